"""`python -m benchmarks.empty_view PORT`: a Flask view that does nothing, behind the product's own server."""

import sys

from flask import Flask

from parvis.web_server import serve_web


def create_app() -> Flask:
    app = Flask(__name__)

    @app.get("/")
    def empty() -> str:
        return ""

    return app


if __name__ == "__main__":
    serve_web(create_app(), "127.0.0.1", int(sys.argv[1]), threads=8)
