"""openapi.py SPEC SOCKET: every answer of the status socket is as the description says, member
for member, and every path that it lists is there."""
import http.client
import json
import re
import socket
import sys

spec = json.load(open(sys.argv[1]))
failed = checked = 0
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
KINDS = {"string": str, "boolean": bool, "object": dict, "array": list, "null": type(None)}


def bad(text):
    global failed
    failed += 1
    print("FAIL", text)


def ask(method, path, body=None, headers={}):
    c = http.client.HTTPConnection("monitord", timeout=20)
    c.sock = socket.socket(socket.AF_UNIX)
    c.sock.connect(sys.argv[2])
    c.request(method, path, body, headers)
    answer = c.getresponse()
    return answer.status, answer.getheader("Content-Type"), answer.read().decode()


def resolve(x):
    while "$ref" in x:
        node = spec
        for part in x["$ref"].split("/")[1:]:
            node = node[part]
        x = node
    return x


def is_a(value, kind):
    if kind == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, KINDS[kind])


def fits(value, schema, where):
    """What is wrong with the value, as a list of texts."""
    schema = resolve(schema)
    if "oneOf" in schema:
        return [] if any(not fits(value, s, where) for s in schema["oneOf"]) else [f"{where}: fits none of oneOf"]
    kinds = schema.get("type", [])
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if kinds and not any(is_a(value, k) for k in kinds):
        return [f"{where}: {value!r} is no {'/'.join(kinds)}"]
    wrong = []
    if "enum" in schema and value not in schema["enum"]:
        wrong.append(f"{where}: {value!r} is not listed")
    if schema.get("format") == "date-time" and value is not None and not TIME.match(value):
        wrong.append(f"{where}: {value!r} is no time")
    if isinstance(value, list):
        for i, item in enumerate(value):
            wrong += fits(item, schema["items"], f"{where}[{i}]")
    if isinstance(value, dict):
        known, more = schema.get("properties", {}), schema.get("additionalProperties", True)
        wrong += [f"{where}: {k} is missing" for k in schema.get("required", []) if k not in value]
        for key, item in value.items():
            if key in known:
                wrong += fits(item, known[key], f"{where}.{key}")
            elif more is False:
                wrong.append(f"{where}: {key} is not described in doc/openapi.json")
            elif isinstance(more, dict):
                wrong += fits(item, more, f"{where}.{key}")
    return wrong


def judge(method, template, path, body=None, headers={}):
    global checked
    operation = spec["paths"][template][method.lower()]
    code, kind, text = ask(method, path, body, headers)
    if str(code) not in operation["responses"]:
        return bad(f"{method} {path}: {code} is not described: {text[:200]}")
    content = resolve(operation["responses"][str(code)]).get("content", {})
    kind = kind.split(";")[0]
    if kind not in content:
        return bad(f"{method} {path}: {kind} is not described")
    checked += 1
    values = []
    if kind == "application/json":
        values = [json.loads(text)]
    elif kind == "application/x-ndjson":
        values = [json.loads(line) for line in text.splitlines()]
    for value in values:
        for wrong in fits(value, content[kind]["schema"], f"{method} {path}")[:5]:
            bad(wrong)
    return code, values


def main():
    status = json.loads(ask("GET", "/v1/status")[2])
    for template, item in spec["paths"].items():
        if "get" in item and "{" not in template and template not in ("/v1/series", "/v1/availability"):
            judge("GET", template, template)
    for plural in ("services", "checks", "routes", "rules", "chains"):
        for o in status[plural]:
            judge("GET", f"/v1/{plural}/{{name}}", f"/v1/{plural}/{o['name']}")
        code, _ = judge("GET", f"/v1/{plural}/{{name}}", f"/v1/{plural}/nobody") or (0, 0)
        if code != 404:
            bad(f"/v1/{plural}/nobody: {code}")
    for query in ("since=1h", "since=never", "until=2020-01-01T00:00:00Z"):
        judge("GET", "/v1/incidents", f"/v1/incidents?{query}")
    for i in json.loads(ask("GET", "/v1/incidents")[2]):
        judge("GET", "/v1/incidents/{id}", f"/v1/incidents/{i['id']}")
    name = status["services"][0]["name"]
    for query in (f"object={name}", f"object={name}&metric=memory&since=1h", "object=nobody", "",
                  f"object={name}&metric=nothing", f"object={name}&metric=memory&since=never"):
        judge("GET", "/v1/series", f"/v1/series?{query}")
    for query in (f"object={name}", f"object={name}&month=2020-01", f"object={name}&month=x"):
        judge("GET", "/v1/availability", f"/v1/availability?{query}")
    judge("GET", "/metrics", "/metrics", headers={"Accept": "text/plain"})
    for template, item in spec["paths"].items():
        if "post" not in item:
            continue
        # of nobody: the command is known, the name is not
        path = template.replace("{name}", "nobody").replace("{id}", "999999999")
        if "{" in template:
            schema = item["post"].get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            sample = {"for": "1m", "reason": "test", "to": "x", "who": "me", "why": "so"}
            body = json.dumps({k: sample[k] for k in schema.get("properties", {})}) if schema else None
            got = judge("POST", template, path, body)
            text = got[1][0]["error"] if got and got[1] and "error" in got[1][0] else ""
            if "no such command" in text or "nothing is here" in text:
                bad(f"POST {path}: {text}")
    judge("POST", "/v1/silence", "/v1/silence", '{"for":"1m","reason":"test"}')
    judge("GET", "/v1/status", "/v1/status")
    judge("POST", "/v1/unsilence", "/v1/unsilence")
    judge("POST", "/v1/silence", "/v1/silence", "{")
    judge("POST", "/v1/services/{name}/hold", f"/v1/services/{name}/hold?wait=0", '{"for":"1h"}')
    judge("POST", "/v1/services/{name}/release", f"/v1/services/{name}/release")
    judge("POST", "/v1/reload", "/v1/reload")
    judge("POST", "/v1/rights", "/v1/rights")
    for path in ("/v1", "/v1/nothing", "/nothing", "/v1/services/a/b/c", "/v1/services/a/fly"):
        code = ask("POST" if path.endswith("fly") else "GET", path)[0]
        if code != 404:
            bad(f"{path}: {code}, expected 404")
    print(f"{checked} answers compared, {failed} wrong")
    sys.exit(1 if failed else 0)


main()
