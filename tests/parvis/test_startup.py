"""What is looked at before anything starts: the data folder, its lock, the ports."""

import socket
from pathlib import Path

import pytest

from parvis.startup import StartError, Wanted, alone_in, check_ports, prepare_var

TCP, UDP = socket.SOCK_STREAM, socket.SOCK_DGRAM


@pytest.mark.parametrize("kind", [TCP, UDP], ids=["tcp", "udp"])
def test_a_port_that_is_taken_is_named_in_one_sentence(kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        if kind is TCP:
            taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(StartError) as refusal:
            check_ports([Wanted("PARVIS_PORTAL_PORT", kind, "127.0.0.1", port)])

    assert str(refusal.value) == f"Port {port} is already in use (PARVIS_PORTAL_PORT changes it)."


def test_every_taken_port_has_its_own_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        ports = [each.getsockname()[1] for each in (one, two)]

        with pytest.raises(StartError) as refusal:
            check_ports(
                [Wanted(f"PARVIS_{at}_PORT", TCP, "127.0.0.1", port) for at, port in zip("AB", ports, strict=True)]
            )

    assert [line.split()[1] for line in str(refusal.value).splitlines()] == [str(port) for port in ports]


def test_two_settings_with_the_same_port_are_both_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]

    with pytest.raises(StartError, match=f"PARVIS_A_PORT and PARVIS_B_PORT are both {port}"):
        check_ports([Wanted("PARVIS_A_PORT", TCP, "127.0.0.1", port), Wanted("PARVIS_B_PORT", TCP, "127.0.0.1", port)])


def test_the_same_number_for_tcp_and_udp_is_no_conflict() -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]

    check_ports([Wanted("PARVIS_A_PORT", TCP, "127.0.0.1", port), Wanted("PARVIS_B_PORT", UDP, "127.0.0.1", port)])


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StartError, match=r"^Cannot write in .*/file/var: Not a directory"):
        prepare_var(tmp_path / "file" / "var")


def test_a_new_data_folder_is_for_this_user_alone(tmp_path: Path) -> None:
    prepare_var(tmp_path / "var")

    assert (tmp_path / "var").stat().st_mode & 0o777 == 0o700


def test_a_second_start_on_the_same_folder_is_refused_until_the_first_has_ended(tmp_path: Path) -> None:
    with alone_in(tmp_path), pytest.raises(StartError, match="Parvis already runs on"), alone_in(tmp_path):
        pass

    with alone_in(tmp_path):
        pass
