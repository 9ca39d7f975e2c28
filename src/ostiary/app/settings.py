"""
What of the configuration deeds may see, with what stands in the files that it names: the proxy's secret, a token for
tickets, the roots of passkeys' makers.
"""

from dataclasses import fields, replace
from ipaddress import ip_network
from pathlib import Path

from ostiary.app import retention as tables
from ostiary.app.config import Config, ConfigRefused
from ostiary.core.signins.limits import Limits
from ostiary.core.words.digests import digest
from ostiary.core.words.instants import minutes, seconds
from ostiary.outside.attestation import NO_MODELS, Attesting, models_of, read_roots
from ostiary.services.house import Proxy, Settings

__all__ = ["settings"]


def settings(config: Config) -> Settings:
    """What of it deeds may see. Raises ConfigRefused when the proxy cannot prove itself (R13), or a file is amiss."""
    return Settings(
        origin=config.origin,
        data=config.data,
        poll_interval=seconds(config.poll_interval),
        lenient_pace=config.lenient_pace,
        session_idle=minutes(config.session_idle),
        session_longest=minutes(config.session_longest),
        refresh_idle=minutes(config.refresh_idle),
        local_door=config.local_door,
        limits=Limits(**{each.name: getattr(config, each.name) for each in fields(Limits)}),
        proxy=_proxy(config),
        mtls_origin=config.mtls_origin,
        attesting=_attesting(config),
        notice_reminder=minutes(config.notice_reminder),
        journal_kept=tables.journal_kept(config.retention),
        sign_ins_kept=tables.sign_ins_kept(config.retention),
        anchor_file=config.anchors.file,
        anchor_every=minutes(config.anchors.minutes),
        ticket_host=config.ticket_host.lower(),
        ticket_token=_ticket_token(config.ticket_token_file),
    )


def _attesting(config: Config) -> Attesting:
    if config.passkey_roots is None:
        return NO_MODELS
    try:
        built_in = models_of(config.passkey_device_models)
        return Attesting(models_of(config.passkey_models), read_roots(config.passkey_roots), built_in)
    except ValueError as wrong:
        raise ConfigRefused((f"passkey_roots: {wrong}",)) from None


def _ticket_token(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        token = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigRefused((f"ticket_token_file: {error}",)) from None
    if not token or not token.isprintable() or " " in token:
        raise ConfigRefused(("ticket_token_file: needs one token, without spaces",))
    return token


def _proxy(config: Config) -> Proxy | None:
    if not config.proxy_header:
        return None
    told = Proxy(
        config.proxy_header.lower(), config.proxy_hops, certificate_header=config.proxy_certificate_header.lower()
    )
    if config.proxy_socket is not None:
        _socket_place(config, config.proxy_socket)
        return replace(told, unix=True)
    if not config.proxy_networks or not config.proxy_secret_header or config.proxy_secret_file is None:
        raise ConfigRefused(("proxy_header: needs proxy_networks, proxy_secret_header and proxy_secret_file (R13)",))
    try:
        secret = config.proxy_secret_file.read_bytes().strip()
    except OSError as error:
        raise ConfigRefused((f"proxy_secret_file: {error.strerror}",)) from None
    if len(secret) < 16:
        raise ConfigRefused(("proxy_secret_file: needs at least 16 bytes",))
    return replace(
        told,
        networks=tuple(ip_network(network) for network in config.proxy_networks),
        secret_header=config.proxy_secret_header.lower(),
        secret=digest(secret),
    )


def _socket_place(config: Config, path: Path) -> None:
    """Raise ConfigRefused unless the proxy, and only who may, can stand at *path*: one way in, one kind of proof."""
    if config.proxy_networks or config.proxy_secret_header or config.proxy_secret_file is not None:
        raise ConfigRefused(("proxy_socket: the proxy is a socket, or networks and a secret, not both (R13)",))
    try:
        open_to_all = path.parent.stat().st_mode & 0o002
    except OSError as error:
        raise ConfigRefused((f"proxy_socket: {error.strerror}",)) from None
    if open_to_all or path.parent == config.data:
        raise ConfigRefused(("proxy_socket: needs a folder of its own, which not everybody may write to",))
