"""The Python verifier of JovePay's guide, up to the text that it signs.

Reads one body a line, in base64, and answers with the text in base64.
"""

import base64
import json
import sys

sys.set_int_max_str_digits(0)

for line in sys.stdin.buffer:
    body = json.loads(base64.b64decode(line))
    text = json.dumps(body, separators=(",", ":"), sort_keys=True)
    sys.stdout.buffer.write(base64.b64encode(text.encode("ascii")) + b"\n")
    sys.stdout.buffer.flush()
