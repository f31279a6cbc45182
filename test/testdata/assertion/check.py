# Hands the lines of its input to the verifier of docs/assertion.md.
import sys

import jwt

import wechat_assertion

sys.stdin.reconfigure(encoding="utf-8")
sys.stdout.reconfigure(encoding="utf-8", line_buffering=True)
assertions = wechat_assertion.WechatAssertions()
for line in sys.stdin:
    line = line.rstrip("\n")
    if line.startswith("age "):
        assertions.tried -= int(line[4:])
        assertions.fetched -= int(line[4:])
        print("aged")
        continue
    try:
        claims = assertions.verify(line)
        print("ok", claims["openid"], claims["nickname"])
    except jwt.InvalidTokenError:
        print("refused")
