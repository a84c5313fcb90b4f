#!/usr/bin/env python3
"""Verify an audit log of Ostiary without Ostiary: one file, Python 3.9 or later, and the package `cryptography` (for Ed25519). Nothing else is used.

    ostiary_verify.py export FILE       an export (JSON Lines) of the whole log
    ostiary_verify.py tiles PLACE       a folder or a URL with the log's tiles (C2SP tlog-tiles); --entries reads the events too
    ostiary_verify.py proof FILE        the proof of one event, as `GET /v1/audit/events/{id}/proof` answers it
    ostiary_verify.py certificate FILE  the certificate of an erasure

What makes it a proof is what YOU kept: a checkpoint that you got earlier, by mail or from a witness (`--checkpoint`), the log's key (`--key`), the keys of
witnesses you trust (`--witness`). Whoever runs the log holds its signing key and could write a new log with it; a checkpoint that they can no longer change is
what stops them. Without one the verdict is: self-consistent, completeness not proven.

How it works. Each event is a leaf, SHA-256(0x00 || event). Two nodes make the one above, SHA-256(0x01 || left || right) (RFC 6962 section 2.1), up to the
root. A checkpoint is three lines (name, number of events, root) with the log's signature under it. Verifying an export is: hash every event, count, compare
the root with every checkpoint on the way. Exit code 0: nothing is wrong; 1: something is; 2: it could not be read.
"""

import argparse
import base64
import hashlib
import json
import sys
import urllib.error
import urllib.request
from datetime import datetime, timezone
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LOG_KEY, WITNESS_KEY = 1, 4  # signature types of C2SP signed-note: a checkpoint's, and a witness's with a time
FETCH_TIMEOUT_S, FETCH_BYTES_MAX, LINE_BYTES_MAX = 30, 32 << 20, 64 << 20


class Wrong(Exception):
    """What is verified is not what it should be; the text says how."""


def sha256(data):
    return hashlib.sha256(data).digest()


def base64_exactly(text):
    """Bytes from base64 that is spelled in the one right way."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (ValueError, TypeError):
        raise Wrong("base64 is malformed") from None
    if base64.b64encode(raw).decode() != text:
        raise Wrong("base64 is malformed")
    return raw


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def read_json(data):
    try:
        made = json.loads(data)
    except (ValueError, RecursionError):
        raise Wrong("this is not JSON") from None
    if not isinstance(made, dict):
        raise Wrong("this is not a JSON object")
    return made


# --- Keys, checkpoints, cosignatures: C2SP signed-note, tlog-checkpoint, tlog-cosignature -------------------------------------------------------------


def read_key(text, kind):
    """A verifier key `name+id+base64(type || key)`: (name, key id, public key)."""
    parts = text.strip().split("+", 2) if isinstance(text, str) else []
    if len(parts) != 3 or not parts[0]:
        raise Wrong("the key is not of the form name+id+key")
    raw = base64_exactly(parts[2])
    if len(raw) != 33 or raw[0] != kind:
        raise Wrong("the key is not an Ed25519 key of " + ("a log" if kind == LOG_KEY else "a witness"))
    key_id = sha256(parts[0].encode() + b"\n" + raw)[:4]
    if key_id.hex() != parts[1]:
        raise Wrong("the key's id is not its hash")
    return parts[0], key_id, Ed25519PublicKey.from_public_bytes(raw[1:])


class Checkpoint:
    """A signed note: `size`, `root`, and its signatures, none of them checked yet."""

    def __init__(self, note):
        text, _, signed = note.partition("\n\n")
        lines = text.split("\n")
        if len(lines) != 3 or not signed.endswith("\n") or any(ord(mark) < 32 and mark != "\n" for mark in note):
            raise Wrong("the checkpoint is not a signed note of three lines")
        if not (lines[1].isascii() and lines[1].isdigit() and len(lines[1]) < 20 and str(int(lines[1])) == lines[1]):
            raise Wrong("the checkpoint's size is not a number")
        self.text, self.name, self.size = text + "\n", lines[0], int(lines[1])
        self.root = base64_exactly(lines[2])
        self.signatures = []
        for line in signed[:-1].split("\n"):
            parts = line.split(" ")
            if len(parts) != 3 or parts[0] != "\u2014":
                raise Wrong("a signature line of the checkpoint is malformed")
            raw = base64_exactly(parts[2])
            self.signatures.append((parts[1], raw[:4], raw[4:]))

    def check(self, key, alone=False):
        """That the log signed it. `alone`: and nobody else, as in an export."""
        name, key_id, public = key
        if self.name != name:
            raise Wrong("the checkpoint is of another log than the key")
        mine = [signature for who, which, signature in self.signatures if (who, which) == (name, key_id)]
        if not mine or (alone and len(self.signatures) != 1):
            raise Wrong("the checkpoint is not signed by this key" + (" alone" if alone else ""))
        for signature in mine:
            verify_signature(public, signature, self.text.encode(), "the checkpoint's signature is wrong")
        return self

    def cosigners(self, keys):
        """The names of those witnesses that cosigned, each with the second (since 1970) of its last cosignature. A wrong one of theirs is an error; those of
        others say nothing."""
        found = {}
        for name, key_id, public in keys:
            for who, which, signature in self.signatures:
                if (who, which) == (name, key_id):
                    time = int.from_bytes(signature[:8], "big")
                    message = f"cosignature/v1\ntime {time}\n{self.text}".encode()
                    verify_signature(public, signature[8:], message, f"the cosignature of {name} is wrong")
                    found[name] = max(time, found.get(name, 0))
        return found


def instant(seconds):
    """UTC. How old a cosignature is says how much of the log may have come since, unseen."""
    try:
        return datetime.fromtimestamp(seconds, timezone.utc).isoformat()
    except (ValueError, OverflowError, OSError):
        return "a time that is none"


def verify_signature(public, signature, message, complaint):
    try:
        public.verify(signature, message)
    except InvalidSignature:
        raise Wrong(complaint) from None


# --- The tree: RFC 6962 section 2.1, RFC 9162 section 2.1.3.2 ---------------------------------------------------------------------------------------


def leaf_hash(event):
    return sha256(b"\x00" + event)


def node_hash(left, right):
    return sha256(b"\x01" + left + right)


class Tree:
    """Counts leaves and knows the root; stops where the leaves so far are not those of an outside checkpoint."""

    def __init__(self, outside=()):
        self.size, self.peaks = 0, []  # peaks: the roots of the perfect subtrees, largest first
        self.outside = sorted(outside, key=lambda each: each.size)
        self.meet()

    def add(self, leaf):
        rest = self.size
        while rest & 1:
            leaf, rest = node_hash(self.peaks.pop(), leaf), rest >> 1
        self.peaks.append(leaf)
        self.size += 1
        self.meet()

    def root(self):
        if not self.peaks:
            return sha256(b"")
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root

    def meet(self):
        while self.outside and self.outside[0].size == self.size:
            if self.outside.pop(0).root != self.root():
                raise Wrong(f"the first {self.size} events are not those of the checkpoint kept outside: one was changed, removed or reordered")

    def finish(self, signed):
        if self.size != signed.size:
            raise Wrong(f"there are {self.size} events, and the log signed {signed.size}")
        if self.root() != signed.root:
            raise Wrong("the events are not those that the log signed: at least one was changed")
        if self.outside:
            raise Wrong(f"the log ends after {self.size} events, and a checkpoint kept outside covers {self.outside[-1].size}: events are missing")


def root_by_path(index, size, leaf, path):
    """The root that an inclusion proof leads to."""
    if not 0 <= index < size or any(len(step) != 32 for step in path):
        raise Wrong("the proof is malformed")
    position, last, reached = index, size - 1, leaf
    for step in path:
        if last == 0:
            raise Wrong("the proof is too long")
        if position & 1 or position == last:
            reached = node_hash(step, reached)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            reached = node_hash(reached, step)
        position, last = position >> 1, last >> 1
    if last != 0:
        raise Wrong("the proof is too short")
    return reached


# --- What can be verified ---------------------------------------------------------------------------------------------------------------------------


class Asked:
    """What was given on the command line, read; outside checkpoints are checked as soon as the log's key is known."""

    def __init__(self, given):
        self.given = given
        self.notes = [Checkpoint(Path(path).read_bytes().decode("utf-8", "replace")) for path in given.checkpoint]
        self.witnesses = [read_key(text, WITNESS_KEY) for text in given.witness]
        self.quorum = given.quorum if given.quorum is not None else min(1, len(self.witnesses))

    def key(self, claimed):
        """The log's key: the one that was given, and that the file must name too; else the file's own word for it."""
        if self.given.key and claimed is not None and self.given.key.strip() != claimed:
            raise Wrong("this is signed by another key than the one given")
        if not self.given.key and claimed is None:
            raise Wrong("give the log's key with --key")
        return read_key(self.given.key or claimed, LOG_KEY)

    def outside(self, key):
        for note in self.notes:
            note.check(key)
            if len(note.cosigners(self.witnesses)) < self.quorum:
                raise Wrong(f"fewer than {self.quorum} of the witnesses cosigned the checkpoint of {note.size} events")
        return list(self.notes)


def verify_export(asked, path):
    with open(path, "rb") as file:
        return verify_lines(asked, file)


def verify_lines(asked, file):
    number = 0
    try:
        number, header_line = 1, next_line(file)
        header = read_json(header_line)
        shape = {"format": "ostiary-audit-export", "key": header.get("key"), "log": header.get("log"), "size": header.get("size"), "version": 1}
        if type(header.get("size")) is not int or not isinstance(header.get("key"), str) or canonical(shape) + b"\n" != header_line:
            raise Wrong("this is not the header of an export, or it was changed")
        key = asked.key(header["key"])
        if key[0] != header["log"]:
            raise Wrong("the key is of another log than the export")
        tree, told = Tree(asked.outside(key)), Retention()
        for index in range(header["size"]):
            number += 1
            tree.add(entry_leaf(next_line(file), index, told))
        number, line = number + 1, next_line(file)
        note = read_json(line).get("checkpoint")
        if not isinstance(note, str) or canonical({"checkpoint": note}) + b"\n" != line:
            raise Wrong("this is not the checkpoint of an export, or it was changed")
        tree.finish(Checkpoint(note).check(key, alone=True))
        if file.readline(1):
            raise Wrong("the export goes on after its checkpoint")
        told.finish()
    except Wrong as wrong:
        raise Wrong(f"line {number}: {wrong}") from None
    return verdict(asked, tree.size, key[0], tree.root(), told.notes())


def next_line(file):
    line = file.readline(LINE_BYTES_MAX)
    if not line.endswith(b"\n"):
        raise Wrong("the export ends here, before its checkpoint: something is missing")
    return line


def entry_leaf(line, index, told):
    """The leaf of one event of an export; its sealed parts must be those that the event commits to."""
    if line.startswith(b'{"dropped":'):
        leaf = read_json(line).get("dropped")
        if canonical({"dropped": leaf, "index": index}) + b"\n" != line or not is_hash(leaf):
            raise Wrong(f"event {index} is missing, out of order, or changed")
        told.dropped(index)
        return bytes.fromhex(leaf)
    event, _, rest = line[len(b'{"event":') :].rpartition(b',"index":%d,"sealed":[' % index)
    blobs = [base64_exactly(text.decode("ascii", "replace").strip('"')) for text in rest[:-3].split(b",") if text]
    sealed = b",".join(b'"' + base64.b64encode(blob) + b'"' for blob in blobs)
    if b'{"event":%b,"index":%d,"sealed":[%b]}\n' % (event, index, sealed) != line:
        raise Wrong(f"event {index} is missing, out of order, or changed")
    said = read_json(event)
    try:
        committed = [part["sha256"] for part in said.get("sealed", [])]
    except (TypeError, KeyError):
        raise Wrong(f"event {index} cannot be read") from None
    if committed != [sha256(blob).hex() for blob in blobs]:
        raise Wrong(f"the sealed parts of event {index} are not those that it commits to")
    told.event(said)
    return leaf_hash(event)


def is_hash(text):
    return isinstance(text, str) and len(text) == 64 and all(mark in "0123456789abcdef" for mark in text)


class Retention:
    """Bodies of old events may be dropped, their leaf hashes stay; then a later event of the same log must say so."""

    def __init__(self):
        self.count, self.last, self.before = 0, -1, 0

    def dropped(self, index, count=1):
        self.count, self.last = self.count + count, index

    def event(self, said):
        counts = said.get("counts")
        told = counts.get("dropped_before", 0) if isinstance(counts, dict) else 0
        if (said.get("action"), said.get("decision")) == ("retention.purge_step", "ran") and type(told) is int:
            self.before = max(self.before, told)

    def finish(self):
        if self.last >= self.before:
            raise Wrong(f"the body of event {self.last} is gone, and no event of the log says that retention dropped it")

    def notes(self):
        return [f"{self.count} events are there by their hash only: retention dropped their bodies, as a later event says"] if self.count else []


def verify_tiles(asked, place):
    """The hashes (and events) of a folder or an address. Everything is fetched, so that every event counts."""
    signed = Checkpoint(fetch(asked, place, "checkpoint").decode("utf-8", "replace"))
    key = asked.key(None)
    signed.check(key)
    if asked.quorum and not asked.notes and len(signed.cosigners(asked.witnesses)) < asked.quorum:
        raise Wrong(f"fewer than {asked.quorum} of the witnesses cosigned the checkpoint")
    tree, told = Tree(asked.outside(key)), Retention()
    for number in range(-(-signed.size // 256)):
        width = min(256, signed.size - number * 256)
        hashes = fetch(asked, place, tile_path("0", number, width))
        if len(hashes) != width * 32:
            raise Wrong(f"tile {number} of level 0 has not {width} hashes")
        leaves = [hashes[at : at + 32] for at in range(0, len(hashes), 32)]
        if asked.given.entries:
            check_events(fetch(asked, place, tile_path("entries", number, width)), leaves, number * 256, told)
        for leaf in leaves:
            tree.add(leaf)
    tree.finish(signed)
    told.finish()
    seen = signed.cosigners(asked.witnesses)
    return verdict(asked, tree.size, key[0], tree.root(), told.notes() + [f"cosigned by {name} at {instant(seen[name])}" for name in sorted(seen)])


def check_events(bundle, leaves, first, told):
    """That the events of a bundle are those whose hashes the tile holds. None: the log keeps their hashes only."""
    if bundle is None:
        told.dropped(first, len(leaves))
        return
    events = split_bundle(bundle)
    if [leaf_hash(event) for event in events] != leaves:
        raise Wrong(f"the events from {first} on are not those of the tile above them")
    for event in events:
        told.event(read_json(event))


def tile_path(level, number, width):
    digits = str(number)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    parts = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    return "tile/" + level + "/" + "".join("x" + part + "/" for part in parts[:-1]) + parts[-1] + ("" if width == 256 else f".p/{width}")


def split_bundle(data):
    events, at = [], 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if end > len(data):
            raise Wrong("a bundle of events is cut short")
        events.append(data[at + 2 : end])
        at = end
    return events


def fetch(asked, place, name):
    if not place.startswith(("https://", "http://")):
        return (Path(place) / name).read_bytes()
    request = urllib.request.Request(place.rstrip("/") + "/" + name, headers={"Accept-Encoding": "identity"})
    if asked.given.token_file:
        request.add_unredirected_header("Authorization", "Bearer " + Path(asked.given.token_file).read_text().strip())
    try:
        with urllib.request.urlopen(request, timeout=FETCH_TIMEOUT_S) as answer:
            return answer.read(FETCH_BYTES_MAX)
    except urllib.error.HTTPError as error:
        if error.code == 410 and "/entries/" in name:  # retention has dropped bodies of this bundle
            return None
        raise


def verify_proof(asked, path):
    """That one event is in the log: its hash leads to the root of a checkpoint of the same size."""
    made = read_json(Path(path).read_bytes())
    key = asked.key(made.get("key"))
    try:
        index, size, steps = made["index"], made["size"], [bytes.fromhex(step) for step in made["hashes"]]
        leaf = leaf_hash(made["envelope"].encode()) if made["envelope"] else bytes.fromhex(made["leaf"])
        reached = root_by_path(index, size, leaf, steps)
        note = made.get("checkpoint")
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Wrong("the proof is malformed") from None
    if reached.hex() != made.get("root") or leaf.hex() != made.get("leaf"):
        raise Wrong("the event's hash does not lead to the root that the proof names")
    fitting = [each for each in asked.outside(key) if each.size == size]
    if asked.notes and not fitting:
        raise Wrong(f"the proof is for the tree of {size} events; ask for one with the size of your checkpoint")
    if not fitting and not (note and isinstance(note, str)):
        raise Wrong("the proof came without a checkpoint: give the one of its size with --checkpoint")
    for each in fitting or [Checkpoint(note).check(key)]:
        if (each.size, each.root) != (size, reached):
            raise Wrong("the event is not in the log of the checkpoint")
    return verdict(asked, size, key[0], reached, [f"event {index}: {made['envelope'] or 'its body was dropped by retention'}"])


def verify_certificate(asked, path):
    """That a statement about an erasure was signed by the log's key, and that the log holds the event which vouches for it."""
    made = read_json(Path(path).read_bytes())
    statement, proof = made.get("certificate"), made.get("proof")
    key = asked.key(made.get("key"))
    if not isinstance(statement, dict) or (statement.get("format"), statement.get("version")) != ("ostiary-erasure", 1) or statement.get("log") != key[0]:
        raise Wrong("this is not the certificate of an erasure in this log")
    message = b"ostiary-erasure/1\n" + json.dumps(statement, sort_keys=True, separators=(",", ":")).encode()
    verify_signature(key[2], base64_exactly(made.get("signature")), message, "the signature is wrong: the certificate was changed")
    notes = [f"{name}: {statement[name]}" for name in sorted(statement) if isinstance(statement[name], (str, int))]
    outside = asked.outside(key)
    if not isinstance(proof, dict):
        return verdict(asked, 0, key[0], b"", [*notes, "no proof that the log holds it came along"], proven=False)
    try:
        signed = Checkpoint(proof["checkpoint"]).check(key)
        event, steps = proof["envelope"].encode(), [bytes.fromhex(step) for step in proof["hashes"]]
        reached = root_by_path(proof["index"], signed.size, leaf_hash(event), steps)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Wrong("the certificate's proof is malformed") from None
    said = read_json(event)
    if (said.get("action"), said.get("digest")) != ("erasure.certified", sha256(message).hex()):
        raise Wrong("the proof is of another event than this certificate's")
    known = [each for each in outside if each.size == signed.size]
    if reached != signed.root or any(each.root != signed.root for each in known):
        raise Wrong("the event is not in the log of the checkpoint")
    return verdict(asked, signed.size, key[0], reached, notes, bool(known) or not asked.notes)


def verdict(asked, size, name, root, notes, proven=True):
    outside = (bool(asked.notes) or (asked.quorum > 0 and asked.given.what == "tiles")) and proven
    words = "verified against what was kept outside" if outside else "self-consistent, completeness not proven"
    return {"ok": True, "complete": outside, "verdict": words, "log": name, "size": size, "root": root.hex(), "notes": notes, "faults": []}


def printable(text):
    """Without what a terminal acts on: a file's own words must not write over the verdict."""
    return "".join(mark if mark.isprintable() else "?" for mark in text)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("export", "tiles", "proof", "certificate"))
    parser.add_argument("place", help="a file; for tiles a folder or a URL")
    parser.add_argument("--checkpoint", action="append", default=[], metavar="FILE", help="a checkpoint that you kept; may be given several times")
    parser.add_argument("--key", default="", metavar="VKEY", help="the log's verifier key, as you got it earlier")
    parser.add_argument("--witness", action="append", default=[], metavar="VKEY", help="the verifier key of a witness; may be given several times")
    parser.add_argument("--quorum", type=int, metavar="N", help="how many of the witnesses must have cosigned (one, if any is given)")
    parser.add_argument("--entries", action="store_true", help="with tiles: read the events too, not only their hashes")
    parser.add_argument("--token-file", metavar="FILE", help="with a URL: a file with the API key to show")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args(arguments)
    checks = {"export": verify_export, "tiles": verify_tiles, "proof": verify_proof, "certificate": verify_certificate}
    try:
        report = checks[given.what](Asked(given), given.place)
    except Wrong as wrong:
        report = {"ok": False, "complete": False, "verdict": "not verified", "log": "", "size": 0, "root": "", "notes": [], "faults": [str(wrong)]}
    except OSError as error:
        sys.stderr.write(f"cannot be read: {error}\n")
        return 2
    if given.json:
        sys.stdout.write(json.dumps(report, indent=2) + "\n")
    else:
        where = [f"{report['size']} events of {report['log']}, root {report['root']}"] if report["ok"] else []
        texts = [report["verdict"], *where, *(f"  {text}" for text in report["notes"] + report["faults"])]
        sys.stdout.write("".join(printable(text) + "\n" for text in texts))
    return 0 if report["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
