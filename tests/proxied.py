"""
A real proxy before a house: it ends TLS, asks for client certificates, and hands on what it proved (R13). HAProxy does
so as RFC 9440 says, nginx in its own escaped PEM.
"""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ostiary.outside import local_ca
from tests.server import Server
from tests.web.oauth.certificates import make

HAPROXY, NGINX = "/usr/sbin/haproxy", "/usr/sbin/nginx"
SECRET = "between proxy and house, 256 bits"

# Whoever issued a client's certificate does not matter (RFC 8705 §2.2): that it is registered does, and that is our
# business. What clients say of certificates themselves is removed.
CONFIGURATION = """
defaults
    mode http
    timeout connect 5s
    timeout client 10s
    timeout server 10s
frontend tls
{binds}
    http-request del-header Client-Cert
    http-request del-header Client-Cert-Chain
    http-request del-header X-Forwarded-For
    http-request set-header X-Forwarded-For %[src]
    http-request set-header X-Proxy-Secret "{secret}"
    http-request set-header Client-Cert :%[ssl_c_der,base64]: if {{ ssl_c_used }}
    default_backend house
backend house
    server house {house}
"""
_PLAIN = "    bind 127.0.0.1:{port} ssl crt {folder}/server.pem"
_ASKS = " ca-file {folder}/any.pem verify optional crt-ignore-err all ca-ignore-err all"


@contextmanager
def haproxy(folder: Path, house: str, *ports: int, quiet: int = 0) -> Iterator[None]:
    """HAProxy before *house* until the end: on *ports* it asks for certificates, on *quiet* it does not."""
    folder.mkdir(exist_ok=True)
    asking = [(_PLAIN + _ASKS).format(port=port, folder=folder) for port in ports]
    binds = "\n".join([*asking, *([_PLAIN.format(port=quiet, folder=folder)] if quiet else [])])
    (folder / "proxy.cfg").write_text(CONFIGURATION.format(binds=binds, secret=SECRET, house=house))
    with _running(folder, ports[0], HAPROXY, "-db", "-f", str(folder / "proxy.cfg")):
        yield


NGINX_CONFIGURATION = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
worker_processes 1;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {folder}/server.pem;
        ssl_certificate_key {folder}/server.pem;
        ssl_verify_client optional_no_ca;
        location / {{
            proxy_pass http://unix:{socket};
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Client-Cert $ssl_client_escaped_cert;
            proxy_set_header Client-Cert "";
            proxy_set_header Client-Cert-Chain "";
        }}
    }}
}}
"""


@contextmanager
def nginx(folder: Path, path: Path, port: int) -> Iterator[None]:
    """nginx on *port* before the house at the socket *path*, until the end."""
    folder.mkdir(exist_ok=True)
    configuration = NGINX_CONFIGURATION.format(folder=folder, port=port, socket=path)
    if os.geteuid() == 0:  # its workers are somebody else, who may not open the socket
        configuration = f"user root;{configuration}"
    (folder / "nginx.conf").write_text(configuration)
    with _running(folder, port, NGINX, "-e", str(folder / "nginx.log"), "-c", str(folder / "nginx.conf")):
        yield


@contextmanager
def _running(folder: Path, port: int, *command: str) -> Iterator[None]:
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, "the proxy ended"
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(10)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def furnish(server: Server, folder: Path) -> None:
    """What HAProxy shows, made by the local authority of *server*; and some authority for it to name."""
    folder.mkdir(exist_ok=True)
    tls = local_ca.ensure(server.data / "tls", local_ca.default_names(), now=server.clock.now(), environ={})
    (folder / "server.pem").write_bytes(tls.certificate.read_bytes() + tls.key.read_bytes())
    (folder / "any.pem").write_bytes(make("EC", server.clock.now()).pem)
