"""Which addresses may be reached. Every host that a tenant can name is written down exactly, resolved once, and judged by its IP addresses.

A public address may be reached; everything else only if the operator named it in `OSTIARY_EGRESS_ALLOW`. The caller connects to the very IP
address that was judged, so a name that resolves differently a moment later (DNS rebinding) changes nothing. Spellings that two programs could read
in two ways (`0x7f.1`, `127.1`, `user@host`, full-width digits) are refused, not interpreted.
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import idna

from ostiary.errors import AddressRefused, TargetUnavailable

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""(host, port) -> IP addresses as text. Raises OSError when the name does not resolve."""

URL_CHARACTERS_MAX = 2048
ADDRESSES_MAX = 16
RESOLVE_TIMEOUT_S = 5
DEFAULT_PORTS = {"http": 80, "https": 443, "postgresql": 5432}

_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMERIC = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)")
_PLAIN = re.compile(r"[!-~]*")

# IANA special-purpose registries (RFC 6890), and cloud services that answer on addresses which look public.
_CLOSED_4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
        "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24",
        "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32",
    )
)  # fmt: skip
_GLOBAL_6 = ipaddress.IPv6Network("2000::/3")
_CLOSED_6 = tuple(  # inside 2000::/3: protocol assignments with Teredo and ORCHID, documentation, 6to4, AS112
    ipaddress.IPv6Network(network)
    for network in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)
# Never opened by a host name that the operator allowed, only by a network: metadata services, broadcast and the like.
_NEVER_BY_NAME = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8", "169.254.0.0/16", "100.100.100.200/32", "168.63.129.16/32", "192.0.0.0/24", "224.0.0.0/4", "240.0.0.0/4",
        "::/128", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16", "fd00:ec2::/32", "fe80::/10", "ff00::/8",
    )
)  # fmt: skip

# Ports of other protocols that a request could be smuggled into (WHATWG Fetch, "bad port"; those below 1024 are refused as a whole).
_BAD_PORTS = frozenset(
    {1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, *range(6665, 6670), 6679, 6697, 10080}
)
_REFUSED = "Only public addresses may be reached; the operator may allow others in OSTIARY_EGRESS_ALLOW."


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server that a tenant named, spelled in one way only. `host` is an ASCII name or an IP address without brackets."""

    scheme: str
    host: str
    port: int
    path: str = ""

    @property
    def authority(self) -> str:
        """The Host header (RFC 9110 section 7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if DEFAULT_PORTS.get(self.scheme) == self.port else f"{host}:{self.port}"


async def system_resolver(host: str, port: int) -> Sequence[str]:
    """What the machine's resolver says, off the event loop."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


@dataclass(frozen=True, slots=True)
class Egress:
    """What the operator allows beyond public addresses: networks, and single servers as (host, port)."""

    networks: tuple[Network, ...] = ()
    servers: frozenset[tuple[str, int]] = frozenset()
    resolver: Resolver = system_resolver


def egress(allow: Sequence[str], resolver: Resolver = system_resolver) -> Egress:
    """From the operator's list: `10.0.0.0/8`, `fd12::/16`, `backend.internal:8080`. Raises ValueError."""
    networks: list[Network] = []
    servers: set[tuple[str, int]] = set()
    for entry in allow:
        try:
            networks.append(ipaddress.ip_network(entry))
        except ValueError:
            host, _, port = entry.rpartition(":")
            if not host or not port.isdecimal():
                raise ValueError(f"{entry} is neither a network nor host:port") from None
            servers.add((normal_host(host.strip("[]")), int(port)))
    return Egress(tuple(networks), frozenset(servers), resolver)


def parse_url(url: str, *, schemes: Sequence[str] = ("https", "http")) -> Endpoint:
    """The endpoint that `url` names; `path` has no slash at its end. Raises AddressRefused for whatever is not plainly spelled."""
    if (
        len(url) > URL_CHARACTERS_MAX
        or "\\" in url
        or any(ord(letter) <= 32 or ord(letter) == 127 for letter in url)
    ):
        raise AddressRefused("The address holds characters that an address does not have.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise AddressRefused("The address cannot be read.") from None
    if parts.scheme not in schemes:
        raise AddressRefused(
            f"The address must start with {' or '.join(f'{scheme}://' for scheme in schemes)}."
        )
    if "@" in parts.netloc or "%" in parts.netloc or parts.query or parts.fragment:
        raise AddressRefused("The address must hold no user, password, query or fragment.")
    if not _PLAIN.fullmatch(parts.path) or any(step in {".", ".."} for step in parts.path.split("/")):
        raise AddressRefused("The path must be plain: percent-encoded, without . or .. in it.")
    host = normal_host(parts.hostname or "")
    if ("[" in parts.netloc) != (
        ":" in host
    ):  # brackets hold IPv6 and nothing else (RFC 3986 names a future form that nobody should use)
        raise AddressRefused("The address cannot be read.")
    return Endpoint(parts.scheme, host, _checked_port(port, parts.scheme), parts.path.rstrip("/"))


def normal_host(host: str) -> str:
    """The one spelling of a host: IP address in canonical form, or an IDNA name (UTS 46) in lower case. Raises AddressRefused."""
    if ":" in host:
        return _address_6(host)
    try:
        name = host.lower() if host.isascii() else idna.encode(host, uts46=True, std3_rules=True).decode()
    except idna.IDNAError:
        raise AddressRefused("The host's name is not a valid one.") from None
    labels = name.split(".")
    if _NUMERIC.fullmatch(
        labels[-1]
    ):  # the last label decides whether it is read as an IPv4 address (WHATWG URL)
        return _address_4(name)
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise AddressRefused("The host's name is not a valid one.")
    return name


def _address_4(text: str) -> str:
    try:
        return str(ipaddress.IPv4Address(text))  # four decimal numbers without leading zeros, nothing else
    except ValueError:
        raise AddressRefused("Write an IPv4 address as four decimal numbers.") from None


def _address_6(text: str) -> str:
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        raise AddressRefused("The IPv6 address cannot be read.") from None
    if address.scope_id is not None:
        raise AddressRefused("An IPv6 address must not name a zone.")
    return str(address)


def _checked_port(port: int | None, scheme: str) -> int:
    number = DEFAULT_PORTS[scheme] if port is None else port
    if number not in {80, 443} and (number < 1024 or number in _BAD_PORTS):
        raise AddressRefused("That port belongs to another protocol.")
    return number


def is_public(address: IpAddress) -> bool:
    """Whether the address is one of the public internet's and stands for itself: no translation, tunnel or special purpose."""
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not any(address in network for network in _CLOSED_4)
    if address not in _GLOBAL_6 or any(address in network for network in _CLOSED_6):
        return False
    return (
        int(address) >> 32
    ) & 0xFCFFFFFF != 0x00005EFE  # ISATAP (RFC 5214): an IPv4 address in the last 32 bits


def may_reach(host: str, port: int, address: IpAddress, allowed: Egress) -> bool:
    """Whether `address`, which `host` resolved to, may be connected to."""
    if is_public(address) or any(address in network for network in allowed.networks):
        return True
    return (host, port) in allowed.servers and not any(address in network for network in _NEVER_BY_NAME)


async def vetted(endpoint: Endpoint, allowed: Egress) -> tuple[str, ...]:
    """The IP addresses of the endpoint that may be connected to, resolved now. Raises AddressRefused if there is none, TargetUnavailable if
    the name does not resolve."""
    found = await _resolved(endpoint, allowed.resolver)
    good = tuple(str(each) for each in found if may_reach(endpoint.host, endpoint.port, each, allowed))
    if not good:
        raise AddressRefused(_REFUSED)
    return good


async def _resolved(endpoint: Endpoint, resolver: Resolver) -> list[IpAddress]:
    try:
        return [ipaddress.ip_address(endpoint.host)]
    except ValueError:
        pass
    try:
        async with asyncio.timeout(RESOLVE_TIMEOUT_S):
            texts = await resolver(endpoint.host, endpoint.port)
        addresses = [ipaddress.ip_address(text) for text in dict.fromkeys(texts)]
    except (OSError, ValueError, UnicodeError) as error:  # TimeoutError is an OSError
        raise TargetUnavailable("The host's name does not resolve.") from error
    if not addresses:
        raise TargetUnavailable("The host's name does not resolve.")
    return addresses[:ADDRESSES_MAX]
