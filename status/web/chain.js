// The chains as pictures: who needs whom, how each is, and where the traffic flows.
import { el, svg, toneOf, marks, value, span } from './dom.js';

const boxWidth = 168, boxHeight = 52, gapMost = 84, gapLeast = 30, gapY = 22, margin = 8, entry = 64;
const leastWidth = 72, narrowGap = 10, passWidth = 8; // on a phone, where chains run downwards

function find(status, name) {
  for (const kind of ['service', 'check', 'route']) {
    const object = status[`${kind}s`].find(o => o.name === name);
    if (object) return { kind, object };
  }
  return { kind: 'service', object: { name, state: null } };
}

const end = backend => backend.service || backend.check || backend.name;

// The service in front of a route is not written down: it is the one whose check verifies, or
// the only one that the chain puts before all its backends.
function frontOf(status, route, paths) {
  const check = status.checks.find(c => c.name === route.verify);
  if (check && check.of) return check.of;
  const before = new Set(route.backends.flatMap(b => {
    const found = paths.filter(path => path.indexOf(end(b)) > 0).map(path => path[path.indexOf(end(b)) - 1]);
    return found.length ? found : [null];
  }));
  return before.size === 1 ? [...before][0] : null;
}

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
    const front = p.nodes.has(route.name) ? route.name : frontOf(status, route, paths) || route.name;
    node(front);
    for (const b of route.backends) {
      if (b.service || b.check) node(end(b));
      else if (!p.nodes.has(b.name)) // nothing tells of it: it counts as healthy
        p.nodes.set(b.name, { name: b.name, kind: 'backend', route: route.name,
          object: { name: b.name, state: 'unchecked' } });
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
    const routes = status.routes.filter(r => members.has(r.name) || members.has(frontOf(status, r, chain.paths)) ||
      r.backends.some(b => members.has(end(b))));
    routes.forEach(r => drawn.add(r.name));
    return picture(status, chain.name, chain.paths, routes);
  });
  for (const route of status.routes.filter(r => !drawn.has(r.name)))
    list.push(picture(status, route.name, [], [route]));
  return list;
}

// Columns by the longest way from a root; what stands in a circle keeps its first column.
function arrange(p, wide) {
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
  for (const e of p.edges.values()) pass(p, e, columns);
  const rows = Math.max(...columns.map(c => (c || []).length));
  const boxes = 2 * margin + entry + columns.length * boxWidth, gaps = Math.max(1, columns.length - 1);
  const gapX = Math.max(gapLeast, Math.min(gapMost, Math.floor((wide - boxes) / gaps)));
  const across = { width: boxes + (columns.length - 1) * gapX,
    height: 2 * margin + rows * (boxHeight + gapY) - gapY };
  p.down = across.width > wide;
  if (p.down) return downwards(columns.filter(Boolean), wide);
  for (const c of columns.filter(Boolean))
    c.forEach((n, i) => {
      n.width = boxWidth;
      n.x = margin + entry + n.column * (boxWidth + gapX);
      n.y = margin + (i + (rows - c.length) / 2) * (boxHeight + gapY);
    });
  return across;
}

// What skips columns goes through a place of its own in each, not behind what stands there.
function pass(p, e, columns) {
  e.via = [];
  for (let c = p.nodes.get(e.from).column + 1; c < p.nodes.get(e.to).column; c++) {
    const place = { via: true, column: c };
    e.via.push(place);
    columns[c].push(place);
  }
}

// Where they would not fit beside each other: each column becomes a row.
function downwards(columns, wide) {
  const sum = (c, box) => c.reduce((all, n) => all + (n.via ? passWidth : box), (c.length - 1) * narrowGap);
  const width = Math.max(wide, ...columns.map(c => sum(c, leastWidth) + 2));
  const top = entry / 2 + 6, step = boxHeight + gapY + 14;
  columns.forEach((c, row) => {
    const boxes = c.filter(n => !n.via).length;
    const each = Math.min(boxWidth, (width - 2 - sum(c, 0)) / boxes);
    let x = (width - sum(c, each)) / 2;
    for (const n of c) {
      n.width = n.via ? passWidth : each;
      n.x = x;
      n.y = top + row * step;
      x += n.width + narrowGap;
    }
  });
  return { width, height: top + columns.length * step - gapY - 12 };
}

const serves = n => ['up', 'degraded', 'primary', 'rerouted', 'manual', 'held', 'unchecked'].includes(n.object.state);

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
  if (n.kind === 'backend') return '';
  if (n.kind === 'route') return `to ${o.active.join(', ')}`;
  const checks = (o.checks || []).map(name => status.checks.find(c => c.name === name)).filter(Boolean);
  const bad = checks.find(c => c.state === 'down') || checks.find(c => c.state === 'degraded');
  if (bad) return bad.error || bad.name;
  const slowest = Math.max(...checks.map(c => c.latency_ms).filter(v => v != null));
  return Number.isFinite(slowest) ? value(slowest, 'ms') : o.uptime_s == null ? '' : `since ${span(o.uptime_s)}`;
}

const cut = (text, most) => text.length > most ? `${text.slice(0, Math.max(1, most - 1))}…` : text;

function box(status, n, reached, open) {
  const state = n.object.state || 'unknown', tone = toneOf(state);
  const what = `${state}${reached.has(n.name) ? ', serves' : ''}`;
  const left = n.width < boxWidth ? 26 : 32, room = n.width - left - 6;
  const show = n.kind === 'backend' ? () => open('route', n.route) : () => open(n.kind, n.name);
  return svg('g', { class: `node ${tone}`, transform: `translate(${n.x} ${n.y})`, role: 'button',
    tabindex: 0, 'aria-label': `${n.kind} ${n.name} is ${what}. ${detail(status, n)}`, 'data-name': n.name,
    onclick: show,
    onkeydown: e => { if (e.key === 'Enter' || e.key === ' ') { e.preventDefault(); show(); } } },
  svg('rect', { width: n.width, height: boxHeight, rx: 9 }),
  svg('text', { class: 'mark', x: left - 20, y: 23 }, marks[tone]),
  svg('text', { x: left, y: 22 }, cut(n.name, room / 8.6)),
  svg('text', { class: 'sub', x: n.width < boxWidth ? 8 : left, y: 40 },
    cut(n.width < boxWidth ? detail(status, n) || state : `${state} ${detail(status, n)}`,
      (n.width < boxWidth ? n.width - 12 : room) / 6.5)),
  svg('title', {}, `${n.kind} ${n.name}: ${what} ${detail(status, n)}`));
}

// From left to right, or down; on: it goes on straight to there, where another begins.
function connector(x1, y1, x2, y2, kind, down, on) {
  const half = (down ? y2 - y1 : x2 - x1) / 2;
  const tip = on ? 0 : 8, [x, y] = down ? [x2, y2 - tip] : [x2 - tip, y2];
  const d = (down ? `M${x1} ${y1}C${x1} ${y1 + half} ${x2} ${y2 - half} ${x} ${y}`
    : `M${x1} ${y1}C${x1 + half} ${y1} ${x2 - half} ${y2} ${x} ${y}`) + (on ? `L${on[0]} ${on[1]}` : '');
  return [svg('path', { class: `edge ${kind}`, d }),
    on ? null : svg('path', { class: `arrow-${kind}`, d: `M${x2} ${y2}${down ? 'l-6 -10h12z' : 'l-10 -6v12z'}` })]
    .filter(Boolean);
}

function connect(p, e) {
  const into = n => p.down ? [n.x + n.width / 2, n.y] : [n.x, n.y + boxHeight / 2];
  const outOf = n => p.down ? [n.x + n.width / 2, n.y + boxHeight] : [n.x + n.width, n.y + boxHeight / 2];
  const shapes = [];
  let from = outOf(p.nodes.get(e.from));
  for (const place of e.via) {
    shapes.push(...connector(...from, ...into(place), e.kind, p.down, outOf(place)));
    from = outOf(place);
  }
  shapes.push(...connector(...from, ...into(p.nodes.get(e.to)), e.kind, p.down));
  if (e.route) shapes.forEach(s => s.append(svg('title', {}, `route ${e.route}: ${e.active ? 'active' : 'standby'}`)));
  return shapes;
}

// Where clients come in.
function entrance(p, n, reached) {
  const kind = reached.has(n.name) ? 'flow' : 'broken', x = n.x + n.width / 2, y = n.y + boxHeight / 2;
  return p.down
    ? [svg('text', { class: 'edge-label', x: x + 8, y: 14 }, 'clients'), ...connector(x, 2, x, n.y, kind, true)]
    : [svg('text', { class: 'edge-label', x: margin, y: y - 8 }, 'clients'), ...connector(margin, y, n.x, y, kind, false)];
}

// wide: the pixels that there are
export function draw(status, p, open, wide) {
  const size = arrange(p, wide), reached = flow(p);
  const entries = [...p.nodes.values()].filter(n => n.root).flatMap(n => entrance(p, n, reached));
  const label = `${p.name}: ` + [...p.edges.values()].filter(e => e.kind === 'flow')
    .map(e => `${e.from} to ${e.to}`).join(', ');
  return el('div', { class: 'chain' }, el('h3', {}, p.name),
    svg('svg', { width: size.width, height: size.height, role: 'group', 'aria-label': label },
      entries, [...p.edges.values()].flatMap(e => connect(p, e)),
      [...p.nodes.values()].map(n => box(status, n, reached, open))));
}
