# SPDX-License-Identifier: PostgreSQL
"""Servers that speak TLS, and certificates for them."""

import ipaddress
import ssl
import subprocess

from .paged import PagedTable, make_items
from .scripted import CLOSE


def make_certificate(directory, name, subject_alternative_name):
    key, certificate = directory / f"{name}.key", directory / f"{name}.pem"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-days", "30", "-subj", f"/CN={name}", "-addext",
            f"subjectAltName={subject_alternative_name}",
            "-keyout", str(key), "-out", str(certificate),
        ],
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    certificate.chmod(0o644)
    return key, certificate


class TlsTable(PagedTable):
    """The same over TLS; if one_each, replies announce that the connection is closed."""

    def __init__(self, key, certificate, one_each=False):
        self.one_each = one_each
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        super().__init__(make_items(25))

    @property
    def endpoint(self):
        return f"https://{ipaddress.ip_address('127.0.0.1')}:{self.port}"

    def answer(self, request):
        answer = super().answer(request)
        if not self.one_each:
            return answer
        return [answer.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1), CLOSE]

    def handle(self, connection):
        with self.context.wrap_socket(connection, server_side=True) as encrypted:
            super().handle(encrypted)
