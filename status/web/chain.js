// The chains as pictures: who needs whom, how each is, and where the traffic flows.
import { el, svg, toneOf, marks, value, span } from './dom.js';

const boxWidth = 168, boxHeight = 52, gapX = 84, gapY = 22, margin = 8, entry = 64;

function find(status, name) {
  for (const kind of ['service', 'check', 'route']) {
    const object = status[`${kind}s`].find(o => o.name === name);
    if (object) return { kind, object };
  }
  return { kind: 'service', object: { name, state: null } };
}

// The service in front of a route is not written down: it is the one whose check verifies.
function frontOf(status, route) {
  const check = status.checks.find(c => c.name === route.verify);
  return check && check.of;
}

const end = backend => backend.service || backend.check || backend.name;

function picture(status, name, paths, routes) {
  const p = { name, nodes: new Map(), edges: new Map() };
  const node = n => { if (!p.nodes.has(n)) p.nodes.set(n, { name: n, ...find(status, n) }); };
  const edge = (a, b, more) => {
    const key = `${a} ${b}`;
    p.edges.set(key, { from: a, to: b, ...p.edges.get(key), ...more });
  };
  for (const path of paths)
    path.forEach((n, i) => { node(n); if (i) edge(path[i - 1], n, {}); });
  for (const route of routes) {
    const front = p.nodes.has(route.name) ? route.name : frontOf(status, route) || route.name;
    node(front);
    for (const b of route.backends) {
      node(end(b));
      edge(front, end(b), { route: route.name, active: route.active.includes(b.name) });
    }
  }
  return p;
}

// Routes that touch a chain are drawn into it; the rest get a picture of their own.
export function pictures(status) {
  const drawn = new Set();
  const list = (status.chains || []).map(chain => {
    const members = new Set(chain.paths.flat());
    const routes = status.routes.filter(r => members.has(r.name) || members.has(frontOf(status, r)) ||
      r.backends.some(b => members.has(end(b))));
    routes.forEach(r => drawn.add(r.name));
    return picture(status, chain.name, chain.paths, routes);
  });
  for (const route of status.routes.filter(r => !drawn.has(r.name)))
    list.push(picture(status, route.name, [], [route]));
  return list;
}

// Columns by the longest way from a root; what stands in a circle keeps its first column.
function arrange(p) {
  const into = new Map([...p.nodes.keys()].map(n => [n, []]));
  for (const e of p.edges.values()) into.get(e.to).push(e.from);
  const depth = new Map();
  const depthOf = (n, seen) => {
    if (depth.has(n) || seen.has(n)) return depth.get(n) || 0;
    const next = new Set(seen).add(n);
    const d = Math.max(-1, ...into.get(n).map(f => depthOf(f, next))) + 1;
    depth.set(n, d);
    return d;
  };
  const columns = [];
  for (const n of p.nodes.values()) {
    n.root = into.get(n.name).length === 0;
    n.column = depthOf(n.name, new Set());
    (columns[n.column] = columns[n.column] || []).push(n);
  }
  const rows = Math.max(...columns.map(c => (c || []).length));
  for (const c of columns.filter(Boolean))
    c.forEach((n, i) => {
      n.x = margin + entry + n.column * (boxWidth + gapX);
      n.y = margin + (i + (rows - c.length) / 2) * (boxHeight + gapY);
    });
  return { width: 2 * margin + entry + columns.length * (boxWidth + gapX) - gapX,
    height: 2 * margin + rows * (boxHeight + gapY) - gapY };
}

const serves = n => ['up', 'degraded', 'primary', 'rerouted', 'manual', 'held'].includes(n.object.state);

// From the roots on: through a route by its active backends, else to what is needed and up.
function flow(p) {
  const reached = new Set([...p.nodes.values()].filter(n => n.root && serves(n)).map(n => n.name));
  for (let turn = 0; turn < p.nodes.size; turn++)
    for (const e of p.edges.values()) {
      const to = p.nodes.get(e.to), passes = e.route ? e.active : true;
      e.kind = !reached.has(e.from) ? (serves(to) ? 'standby' : 'broken')
        : !passes ? (serves(to) ? 'standby' : 'broken')
        : serves(to) ? 'flow' : 'broken';
      if (e.kind === 'flow') reached.add(e.to);
    }
  return reached;
}

function detail(status, n) {
  const o = n.object;
  if (n.kind === 'check') return o.error || (o.latency_ms == null ? '' : value(o.latency_ms, 'ms'));
  if (n.kind === 'route') return `to ${o.active.join(', ')}`;
  const checks = (o.checks || []).map(name => status.checks.find(c => c.name === name)).filter(Boolean);
  const bad = checks.find(c => c.state === 'down') || checks.find(c => c.state === 'degraded');
  if (bad) return bad.error || bad.name;
  const slowest = Math.max(...checks.map(c => c.latency_ms).filter(v => v != null));
  return Number.isFinite(slowest) ? value(slowest, 'ms') : o.uptime_s == null ? '' : `since ${span(o.uptime_s)}`;
}

const cut = (text, most) => text.length > most ? `${text.slice(0, most - 1)}…` : text;

function box(status, n, reached, open) {
  const state = n.object.state || 'unknown', tone = toneOf(state);
  const what = `${state}${reached.has(n.name) ? ', serves' : ''}`;
  return svg('g', { class: `node ${tone}`, transform: `translate(${n.x} ${n.y})`, role: 'button',
    tabindex: 0, 'aria-label': `${n.kind} ${n.name} is ${what}. ${detail(status, n)}`, 'data-name': n.name,
    onclick: () => open(n.kind, n.name),
    onkeydown: e => { if (e.key === 'Enter' || e.key === ' ') { e.preventDefault(); open(n.kind, n.name); } } },
  svg('rect', { width: boxWidth, height: boxHeight, rx: 9 }),
  svg('text', { class: 'mark', x: 12, y: 23 }, marks[tone]),
  svg('text', { x: 32, y: 22 }, cut(n.name, 15)),
  svg('text', { class: 'sub', x: 32, y: 40 }, cut(`${state} ${detail(status, n)}`, 20)),
  svg('title', {}, `${n.kind} ${n.name}: ${what} ${detail(status, n)}`));
}

function connector(x1, y1, x2, y2, kind) {
  const half = (x2 - x1) / 2;
  return [svg('path', { class: `edge ${kind}`, d: `M${x1} ${y1}C${x1 + half} ${y1} ${x2 - half} ${y2} ${x2 - 8} ${y2}` }),
    svg('path', { class: `arrow-${kind}`, d: `M${x2} ${y2}l-10 -6v12z` })];
}

function connect(p, e) {
  const a = p.nodes.get(e.from), b = p.nodes.get(e.to);
  const shapes = connector(a.x + boxWidth, a.y + boxHeight / 2, b.x, b.y + boxHeight / 2, e.kind);
  if (e.route) shapes[0].append(svg('title', {}, `route ${e.route}: ${e.active ? 'active' : 'standby'}`));
  return shapes;
}

export function draw(status, p, open) {
  const size = arrange(p), reached = flow(p);
  const entries = [...p.nodes.values()].filter(n => n.root).flatMap(n =>
    [svg('text', { class: 'edge-label', x: margin, y: n.y + boxHeight / 2 - 8 }, 'clients'),
      ...connector(margin, n.y + boxHeight / 2, n.x, n.y + boxHeight / 2, reached.has(n.name) ? 'flow' : 'broken')]);
  const label = `${p.name}: ` + [...p.edges.values()].filter(e => e.kind === 'flow')
    .map(e => `${e.from} to ${e.to}`).join(', ');
  return el('div', { class: 'chain' }, el('h3', {}, p.name),
    svg('svg', { width: size.width, height: size.height, role: 'group', 'aria-label': label },
      entries, [...p.edges.values()].flatMap(e => connect(p, e)),
      [...p.nodes.values()].map(n => box(status, n, reached, open))));
}
