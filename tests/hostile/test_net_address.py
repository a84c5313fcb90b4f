import asyncio
import ipaddress

import pytest

from ostiary.errors import AddressRefused
from ostiary.net.address import egress, is_public, parse_url, vetted

_INSIDE = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.254 127.0.0.1 127.8.8.8 169.254.0.1 169.254.169.254 172.16.0.1
172.31.255.255 192.0.0.1 192.0.0.192 192.0.2.1 192.88.99.1 192.168.0.1 198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.7 224.0.0.1 239.255.255.250
240.0.0.1 255.255.255.255 168.63.129.16 :: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:8.8.8.8 ::ffff:0:127.0.0.1
64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::7f00:1 100::1 2001::1 2001:0:7f00:1::1 2001:10::1 2001:20::1 2001:db8::1 2002:7f00:1:: 2002:a9fe:a9fe::1
3fff::1 5f00::1 fc00::1 fd00:ec2::254 fd12:3456:789a::1 fe80::1 fec0::1 ff02::1 ff0e::1 2606:4700::5efe:7f00:1 2606:4700::200:5efe:a00:1
"""
INSIDE = _INSIDE.split()


@pytest.mark.parametrize("address", INSIDE)
def test_no_address_that_is_not_plainly_public_is_reached(address):
    assert not is_public(ipaddress.ip_address(address))

    async def resolver(_host: str, _port: int):
        return [address]

    with pytest.raises(AddressRefused):
        asyncio.run(vetted(parse_url("http://looks-harmless.example"), egress((), resolver)))


@pytest.mark.parametrize("address", INSIDE)
def test_nor_when_it_is_written_out(address):
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(AddressRefused):
        asyncio.run(vetted(parse_url(f"http://{host}/"), egress(())))


@pytest.mark.parametrize(
    "url",
    [
        "http://0x7f000001/",
        "http://0x7f.0.0.1/",
        "http://0X7F.1/",
        "http://2130706433/",
        "http://017700000001/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://127.0.1/",
        "http://127.0.0.01/",
        "http://1.1.1.1.1/",
        "http://1.1.1.0x1/",
        "http://256.256.256.256/",
        "http://127.0.0.1./",
        "http://localhost./",
        "http://user@example.com/",
        "http://user:pass@example.com/",
        "http://example.com@127.0.0.1/",
        "http://example.com#@127.0.0.1/",
        "http://example.com?@127.0.0.1/",
        "http://example.com\\@127.0.0.1/",
        "http://127.0.0.1\t.example.com/",
        "http://exa mple.com/",
        "http://example.com\r\nHost: inside/",
        "http://exam\x00ple.com/",
        "http://%31%32%37.0.0.1/",
        "http://example.com%2f@127.0.0.1/",
        "http://\u2460\u2461\u2466.0.0.1.1/",
        "http://\uff11\uff12\uff17\uff0e1/",
        "http://127\u30021/",
        "http://[::1%25eth0]/",
        "http://[fe80::1%eth0]/",
        "http://[::ffff:127.0.0.1",
        "http://[v1.fe80]/",
        "http:///etc/passwd",
        "http://",
        "file:///etc/passwd",
        "gopher://example.com/",
        "ftp://example.com/",
        "dict://example.com:11211/",
        "unix:///var/run/docker.sock",
        "//example.com/",
        "example.com",
        "http://example.com:0/",
        "http://example.com:22/",
        "http://example.com:25/",
        "http://example.com:6667/",
        "http://example.com:65536/",
        "http://example.com:-1/",
        "http://example.com:8o/",
        "http://-bad.example/",
        "http://bad-.example/",
        "http://a..b.example/",
        "http://" + "a" * 64 + ".example/",
        "http://" + "a." * 127 + "example/",
        "http://example.com/../admin",
        "http://example.com/a/./b",
        "http://example.com/?next=http://inside",
        "http://example.com/#fragment",
        "http://example.com/" + "a" * 3000,
        "http://\ud800.example/",
    ],
)
def test_an_address_that_two_programs_could_read_in_two_ways_is_refused(url):
    with pytest.raises(AddressRefused):
        parse_url(url)


def test_full_width_digits_become_what_they_are_and_are_judged_as_that():
    endpoint = parse_url("http://\uff11\uff12\uff17.0.0.1/")
    assert endpoint.host == "127.0.0.1"
    with pytest.raises(AddressRefused):
        asyncio.run(vetted(endpoint, egress(())))


def test_an_embedded_address_is_not_opened_by_allowing_the_plain_one():
    for written in ("http://[::ffff:127.0.0.1]/", "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/"):
        with pytest.raises(AddressRefused):
            asyncio.run(vetted(parse_url(written), egress(("127.0.0.0/8",))))
