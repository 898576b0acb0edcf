"""Today's ClickHouse over HTTP: the engine of the package chdb-core, for tests.

Usage: modern.py PORT DIRECTORY

It speaks as much of ClickHouse's HTTP interface as its clients use: a statement in the body, or an insert in `query` with its rows in
the body; `database` and settings as other parameters; `decompress=1` for LZ4; the code of an error in X-ClickHouse-Exception-Code. It
says "Ready for connections" when it listens. Users are not checked. There is no cluster.

Each request has a connection to the engine of its own, with its own database and settings, as in a server. They run side by side.
"""

import os
import re
import struct
import sys
import tempfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import chdb

# Parameters of the interface itself. All others are settings.
NO_SETTINGS = {"query", "database", "user", "password", "decompress", "wait_end_of_query", "query_id"}

CODE = re.compile(r"Code: (\d+)\.")

# ClickHouse's own frames: checksum (16 bytes), method, size with this header, size of the content, block.
FRAME = struct.Struct("<16sBII")
LZ4 = 0x82

# The header of an LZ4 file: blocks of up to 4 MiB that stand alone, no checksums, and the checksum of the header itself.
LZ4_FILE = bytes.fromhex("04224d18607073")
MAX_BLOCK = 4 << 20


class Refused(Exception):
    """What the engine, or this front, does not do. `code` is ClickHouse's."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def lz4_file(body):
    """The same blocks as an LZ4 file, which the engine decompresses itself."""
    parts, at = [LZ4_FILE], 0
    while at < len(body):
        if at + FRAME.size > len(body):
            raise Refused(33, "Code: 33. DB::Exception: a frame is cut off. (CANNOT_READ_ALL_DATA)")
        _, method, size, content = FRAME.unpack_from(body, at)
        block = body[at + FRAME.size : at + 16 + size]
        if method != LZ4 or content > MAX_BLOCK or len(block) != size - (FRAME.size - 16):
            raise Refused(271, "Code: 271. DB::Exception: a frame is damaged. (CANNOT_DECOMPRESS)")
        parts += [struct.pack("<I", len(block)), block]
        at += 16 + size
    return b"".join(parts + [struct.pack("<I", 0)])


def literal(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def insert(connection, statement, rows, is_compressed):
    """Runs an insert of these rows, from a file: a statement has to be text."""
    head, form = re.fullmatch(r"(.*\S)\s+FORMAT\s+(\w+)\s*;?\s*", statement, re.DOTALL | re.IGNORECASE).groups()
    with tempfile.NamedTemporaryFile(dir=files, suffix=".rows") as file:
        file.write(lz4_file(rows) if is_compressed else rows)
        file.flush()
        compression = " COMPRESSION 'lz4'" if is_compressed else ""
        return connection.query(f"{head} FROM INFILE {literal(file.name)}{compression} FORMAT {form}", "TSV")


def run(parameters, body):
    """The bytes that a statement gives."""
    connection = chdb.connect(data)
    try:
        for name, value in parameters:
            if name not in NO_SETTINGS:
                connection.query(f"SET `{name}` = {literal(value)}", "TSV")
        named = dict(parameters)
        if named.get("database"):
            connection.query("USE `{}`".format(named["database"].replace("`", "\\`")), "TSV")
        if named.get("query", "").lstrip()[:6].upper() == "INSERT":
            result = insert(connection, named["query"], body, named.get("decompress") == "1")
        else:
            result = connection.query(named.get("query", "") + body.decode(), "TSV")
        return result.bytes()
    finally:
        connection.close()


class Front(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Otherwise a small answer waits for the acknowledgement of its header.
    wbufsize = 1 << 16
    disable_nagle_algorithm = True

    def do_GET(self):
        if urlsplit(self.path).path == "/ping":
            return self.answer(200, b"Ok.\n")
        self.answer(404, b"There is no handle " + self.path.encode())

    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        if len(body) < length:
            # The client went away. A server has nothing of such an insert, or some.
            self.close_connection = True
            return
        parameters = parse_qsl(urlsplit(self.path).query, keep_blank_values=True)
        try:
            self.answer(200, run(parameters, body))
        except Exception as error:
            text = str(error)
            found = CODE.search(text)
            code = getattr(error, "code", None) or (int(found[1]) if found else 1002)
            text = text[found.start() :] if found else f"Code: {code}. DB::Exception: {text}"
            self.answer(500, text.encode() + b"\n", {"X-ClickHouse-Exception-Code": str(code)})

    def answer(self, status, content, headers={}):
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128


if __name__ == "__main__":
    port, directory = int(sys.argv[1]), sys.argv[2]
    data, files = os.path.join(directory, "data"), os.path.join(directory, "files")
    os.makedirs(files, exist_ok=True)
    # The engine ends with its last connection.
    engine = chdb.connect(data)
    with Server(("127.0.0.1", port), Front) as server:
        print("Ready for connections", flush=True)
        server.serve_forever()
