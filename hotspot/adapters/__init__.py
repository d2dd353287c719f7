"""Everything outside the database: a narrow class each, which says what it does when its peer is away."""
