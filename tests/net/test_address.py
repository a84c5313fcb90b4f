import asyncio
import ipaddress

import pytest

from ostiary.errors import AddressRefused, TargetUnavailable
from ostiary.net.address import Endpoint, egress, is_public, may_reach, parse_url, vetted


def resolving(*addresses: str):
    async def resolver(_host: str, _port: int):
        return addresses

    return resolver


def reach(url: str, *addresses: str, allow: tuple[str, ...] = ()) -> tuple[str, ...]:
    return asyncio.run(vetted(parse_url(url), egress(allow, resolving(*addresses))))


def test_a_public_name_is_reached_by_its_addresses():
    assert reach("https://api.example.com", "93.184.216.34", "2606:2800:220:1::1") == (
        "93.184.216.34",
        "2606:2800:220:1::1",
    )


def test_a_name_that_leads_inside_is_refused():
    with pytest.raises(AddressRefused, match="OSTIARY_EGRESS_ALLOW"):
        reach("https://api.example.com", "10.0.0.5")


def test_of_a_name_that_leads_to_both_only_the_public_address_is_used():
    assert reach("https://api.example.com", "10.0.0.5", "93.184.216.34") == ("93.184.216.34",)


def test_a_network_that_the_operator_allowed_is_reached_and_its_neighbour_is_not():
    assert reach("http://erp.internal:8080", "10.0.0.5", allow=("10.0.0.0/24",)) == ("10.0.0.5",)
    with pytest.raises(AddressRefused):
        reach("http://erp.internal:8080", "10.0.1.5", allow=("10.0.0.0/24",))


def test_a_server_that_the_operator_allowed_is_reached_on_that_port_only():
    assert reach("http://erp.internal:8080", "10.0.0.5", allow=("erp.internal:8080",)) == ("10.0.0.5",)
    with pytest.raises(AddressRefused):
        reach("http://erp.internal:8081", "10.0.0.5", allow=("erp.internal:8080",))
    with pytest.raises(AddressRefused):
        reach("http://crm.internal:8080", "10.0.0.5", allow=("erp.internal:8080",))


def test_a_name_that_the_operator_allowed_never_opens_the_metadata_service():
    with pytest.raises(AddressRefused):
        reach("http://erp.internal:8080", "169.254.169.254", allow=("erp.internal:8080",))
    assert reach("http://erp.internal:8080", "169.254.169.254", allow=("169.254.169.254/32",)) == (
        "169.254.169.254",
    )


def test_a_name_that_does_not_resolve_is_unavailable():
    async def nowhere(_host: str, _port: int):
        raise OSError

    with pytest.raises(TargetUnavailable):
        asyncio.run(vetted(parse_url("https://gone.example"), egress((), nowhere)))
    with pytest.raises(TargetUnavailable):
        reach("https://empty.example")


def test_the_systems_resolver_knows_localhost():
    assert "127.0.0.1" in asyncio.run(vetted(parse_url("http://localhost:9000"), egress(("127.0.0.0/8",))))


@pytest.mark.parametrize(
    ("url", "endpoint", "authority"),
    [
        ("https://api.example.com", Endpoint("https", "api.example.com", 443), "api.example.com"),
        ("https://API.Example.com/v1/", Endpoint("https", "api.example.com", 443, "/v1"), "api.example.com"),
        (
            "http://api.example.com:8080/a/b",
            Endpoint("http", "api.example.com", 8080, "/a/b"),
            "api.example.com:8080",
        ),
        (
            "https://b\u00fccher.example",
            Endpoint("https", "xn--bcher-kva.example", 443),
            "xn--bcher-kva.example",
        ),
        ("https://[2001:DB8::0:1]:8443", Endpoint("https", "2001:db8::1", 8443), "[2001:db8::1]:8443"),
        ("http://billing:9000", Endpoint("http", "billing", 9000), "billing:9000"),
    ],
)
def test_an_address_has_one_spelling(url, endpoint, authority):
    assert parse_url(url) == endpoint
    assert parse_url(url).authority == authority


@pytest.mark.parametrize("text", ["8.8.8.8", "2606:4700::1111", "1.1.1.1"])
def test_public_addresses_are_public(text):
    assert is_public(ipaddress.ip_address(text))


def test_without_an_operators_word_nothing_private_may_be_reached():
    assert not may_reach("localhost", 80, ipaddress.ip_address("127.0.0.1"), egress(()))


def test_an_allow_list_that_cannot_be_read_is_a_mistake():
    with pytest.raises(ValueError, match="neither a network nor host:port"):
        egress(("everything",))
