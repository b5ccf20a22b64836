#!/bin/bash
# /metrics by those who read it: promtool judges the text, a real Prometheus scrapes it in
# OpenMetrics and knows a fault; the example's alerting rules do what they say.
[ -n "${MONITORD_LONG:-}" ] || { echo "takes a minute: set MONITORD_LONG"; exit 77; }
for program in promtool prometheus curl; do
	command -v $program >/dev/null || { echo "$program is not installed (Debian: prometheus)"; exit 77; }
done
. "${MONITORD_SOURCE:?}/test/system/world.sh"
http=$((port + 5)) listen=$((port + 6))
world_rules "
[check host]
system = yes
every  = 1s"
sed -i "s|^every   = 500ms|every = 500ms\nhttp = 127.0.0.1:$http|" "$rules"
world_begin

echo "# promtool"
curl -s -H 'Accept: text/plain' "http://127.0.0.1:$http/metrics" >"$dir/classic"
lint=$(promtool check metrics <"$dir/classic" 2>&1)
# its naming advice is about libraries that count in process; errors are errors
grep -q "error" <<<"$lint" && bad "promtool: $lint" || ok "promtool reads the text format"
[ "$(grep -c '^monitord_' "$dir/classic")" -gt 50 ] && ok "many samples" || bad "few samples"
curl -s "http://127.0.0.1:$http/metrics" | tail -n 1 | grep -qx '# EOF' && ok "OpenMetrics ends" || bad "no EOF"
promtool check rules "$MONITORD_SOURCE/examples/alerts.yml" >"$dir/rules.log" 2>&1 && ok "the example's rules are rules" ||
	bad "$(cat "$dir/rules.log")"
sed "s|RULES|$MONITORD_SOURCE/examples/alerts.yml|" "$MONITORD_SOURCE/test/system/alerts.yml" >"$dir/test.yml"
promtool test rules "$dir/test.yml" >"$dir/rules.log" 2>&1 && ok "and fire when they should" || bad "$(cat "$dir/rules.log")"

echo "# a real Prometheus"
cat >"$dir/prometheus.yml" <<YML
global: { scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }
rule_files: [$MONITORD_SOURCE/examples/alerts.yml]
scrape_configs:
  - job_name: monitord
    static_configs: [{ targets: ["127.0.0.1:$http"] }]
YML
prometheus --config.file="$dir/prometheus.yml" --storage.tsdb.path="$dir/tsdb" \
	--web.listen-address="127.0.0.1:$listen" >"$dir/prometheus.log" 2>&1 &
kids="$kids $!"
query() { curl -s -G "http://127.0.0.1:$listen/api/v1/query" --data-urlencode "query=$1"; }
# until PATTERN SECONDS QUERY
until_query() {
	local end=$(($(now) + $2 * 1000))
	until query "$3" | grep -qE "$1"; do
		[ "$(now)" -lt "$end" ] || { query "$3"; return 1; }
		sleep 0.3
	done
}
until_query '"value":\[[0-9.]*,"1"\]' 30 'up{job="monitord"}' && ok "it is scraped" || {
	bad "it is not scraped: $(curl -s "http://127.0.0.1:$listen/api/v1/targets" | grep -oE '"lastError":"[^"]*"')"
	tail -5 "$dir/prometheus.log"
}
until_query '"service":"primary".*"1"' 10 'monitord_service_up' && ok "the primary is up" || bad "no service"
until_query '"metric":"load1"' 10 'monitord_check_value' && ok "metrics of checks" || bad "no values"
kill -KILL "$(pid_of primary)"
until_query '"value":\[[0-9.]*,"1"\]' 20 'monitord_service_restarts_total{service="primary"}' &&
	ok "a restart is counted" || bad "no restart"
until_query '"value"' 20 'monitord_service_state{service="primary",monitord_service_state="up"} == 1' &&
	ok "and its state followed" || bad "no state"
finish
