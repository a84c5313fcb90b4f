"""A writer of compound files ([MS-CFB], version 3), as small as the tests of Outlook's messages need it."""

import struct

FREE, END, FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
SECTOR, MINI, CUTOFF = 512, 64, 4096
Tree = dict[str, "bytes | Tree"]


def compound(tree: Tree) -> bytes:
    """tree: streams as bytes, storages as trees."""
    entries: list[list[object]] = [["Root Entry", 5, FREE, FREE, FREE, END, 0]]
    small, minis, large, fat = bytearray(), [], bytearray(), []

    def chain(table: list[int], count: int) -> int:
        begin = len(table)
        table.extend([*range(begin + 1, begin + count), END])
        return begin

    def stored(data: bytes) -> int:
        if len(data) < CUTOFF:
            if not data:
                return END
            begin = chain(minis, -(-len(data) // MINI))
            small.extend(data + bytes(-len(data) % MINI))
            return begin
        begin = chain(fat, -(-len(data) // SECTOR))
        large.extend(data + bytes(-len(data) % SECTOR))
        return begin

    def added(own: Tree) -> int:
        """The entries of a storage, each the right sibling of the one before it. The first one's number."""
        first, before = FREE, None
        for name, value in sorted(own.items(), key=lambda each: (len(each[0]), each[0].upper())):
            number = len(entries)
            entries.append([name, 2, FREE, FREE, FREE, END, 0])
            if before is None:
                first = number
            else:
                entries[before][3] = number
            before = number
            if isinstance(value, bytes):
                entries[number][5:7] = [stored(value), len(value)]
            else:
                entries[number][1], entries[number][4] = 1, added(value)
        return first

    entries[0][4] = added(tree)
    if small:
        entries[0][5], entries[0][6] = chain(fat, -(-len(small) // SECTOR)), len(small)
        large.extend(small + bytes(-len(small) % SECTOR))
    listed = b"".join(
        (name := str(each[0]).encode("utf-16-le")) .ljust(64, b"\0") + struct.pack("<HBB3I16xI16xIQ", len(name) + 2, each[1], 1, *each[2:5], 0, *each[5:])
        for each in entries
    )  # fmt: skip
    listed += bytes(-len(listed) % SECTOR)
    directory = chain(fat, len(listed) // SECTOR)
    large.extend(listed)
    mini_table = b"".join(struct.pack("<I", each) for each in minis)
    mini_table += b"\xff" * (-len(mini_table) % SECTOR)
    mini_begin = chain(fat, len(mini_table) // SECTOR) if mini_table else END
    large.extend(mini_table)
    count = -(-(len(fat) + 2) // 128)
    while -(-(len(fat) + count) // 128) > count:
        count += 1
    first_fat = len(fat)
    fat.extend([FAT] * count)
    table = b"".join(struct.pack("<I", each) for each in fat)
    table += b"\xff" * (-len(table) % SECTOR)
    head = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16) + struct.pack("<HHHHH6xIIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, count, directory, 0, CUTOFF, mini_begin, len(mini_table) // SECTOR, END, 0, first_fat)  # fmt: skip
    fats = [first_fat + n for n in range(1, count)]
    head += b"".join(struct.pack("<I", each) for each in fats) + b"\xff" * 4 * (108 - len(fats))
    return head + bytes(large) + table
