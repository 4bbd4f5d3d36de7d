"""The Python verifier of JovePay's guide, applied to raw bodies.

  python3 verifier.py texts          one base64 body per line -> the text that it signs
  python3 verifier.py time N SECRET  one base64 body -> nanoseconds for one verification
"""

import base64
import hashlib
import hmac
import json
import sys
import time


def text(body):
    return json.dumps(json.loads(body), separators=(",", ":"), sort_keys=True)


def sign(body, secret):
    return hmac.new(secret.encode(), text(body).encode(), hashlib.sha512).hexdigest()


for line in sys.stdin:
    body = base64.b64decode(line)
    if sys.argv[1] == "texts":
        try:
            print("python =" + base64.b64encode(text(body).encode()).decode())
        except (ValueError, RecursionError):
            print("python -")
        continue
    count, secret = int(sys.argv[2]), sys.argv[3]
    signature = sign(body, secret)
    begun = time.perf_counter_ns()
    for _ in range(count):
        if sign(body, secret) != signature:
            raise SystemExit("mismatch")
    print((time.perf_counter_ns() - begun) / count)
