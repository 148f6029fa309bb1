"use strict";
// Storage over time, and rates, by uPlot.
(() => {
  const value = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  const bytes = (number) => {
    if (number === null || number === undefined) return "–";
    const units = ["B", "kB", "MB", "GB", "TB", "PB"];
    let unit = 0, rest = number;
    while (rest >= 1000 && unit < units.length - 1) { rest /= 1000; unit += 1; }
    return `${unit && rest < 100 ? rest.toFixed(1) : Math.round(rest)} ${units[unit]}`;
  };
  const date = (ts) => new Date(ts * 1000);
  const UTC = (ts) => uPlot.tzDate(date(ts), "Etc/UTC");
  // Dates and a clock of 24 hours, whatever the browser's language is.
  const ticks = (_, all, __, ___, step) => all.map((ts) => {
    const text = date(ts).toISOString();
    return step >= 86400 ? text.slice(0, 10) : step >= 60 ? text.slice(11, 16) : text.slice(11, 19);
  });
  const axes = (format) => [
    { values: ticks, space: 90, size: 30, stroke: value("soft"), grid: { stroke: value("line-soft"), width: 1 }, ticks: { show: false }, font: "11px system-ui, 'DejaVu Sans', sans-serif" },
    { stroke: value("soft"), grid: { stroke: value("line-soft"), width: 1 }, ticks: { show: false }, size: 64, font: "11px system-ui, 'DejaVu Sans', sans-serif", values: (_, all) => all.map(format) },
  ];
  const time = { label: "UTC", value: (_, ts) => (ts ? date(ts).toISOString().slice(0, 16).replace("T", " ") : "–") };
  const stamp = { label: "UTC", value: time.value };
  const empty = (place, text) => {
    const said = document.createElement("p");
    said.className = "empty";
    said.textContent = text;
    place.replaceChildren(said);
  };
  const made = {};

  // Stacked: each form on those before it; uPlot draws sums, and shows what each is.
  function storage(place, data) {
    const [times, asRows, rows, columnstore, archive] = data;
    if (!times.length) return empty(place, "No chunk was closed yet");
    if (times.length === 1) { for (const each of data) each.push(each[0]); times[1] = times[0] + 60; }
    const one = archive, two = one.map((n, i) => n + columnstore[i]), three = two.map((n, i) => n + rows[i]);
    const stepped = uPlot.paths.stepped({ align: 1 });
    const form = (label, name, real) => ({ label, stroke: value(name), fill: value(name) + "cc", width: 1, paths: stepped, points: { show: false }, value: (_, n, __, i) => bytes(i === null ? null : real[i]) });
    return new uPlot({
      width: place.clientWidth, height: 190, tzDate: UTC, cursor: { y: false, points: { show: false } }, 
      scales: { y: { range: (_, low, high) => [0, (high || 1) * 1.05] } }, axes: axes(bytes),
      series: [stamp,
        { label: "as rows", stroke: value("soft"), dash: [4, 4], width: 1.5, paths: stepped, points: { show: false }, value: (_, n) => bytes(n) },
        form("rows", "hot", rows), form("columnstore", "warm", columnstore), form("archive", "cold", archive)],
    }, [times, asRows, three, two, one], place);
  }
  function rates(place, data) {
    if (data[0].length < 2) return empty(place, "Measured every five seconds: it begins now");
    return new uPlot({
      width: place.clientWidth, height: 190, tzDate: UTC, cursor: { y: false },
      scales: { y: { range: (_, low, high) => [0, Math.max(1, high * 1.1)] } }, axes: axes((n) => n.toLocaleString("en")),
      series: [stamp, { label: "messages/s", stroke: value("accent"), fill: value("accent") + "22", width: 1.5, points: { show: false }, value: (_, n) => (n === null || n === undefined ? "–" : n.toLocaleString("en", { maximumFractionDigits: 1 })) }],
    }, data, place);
  }

  async function show(name, draw) {
    const place = document.getElementById(name);
    const answer = await fetch(`/data/${name}`).catch(() => null);
    if (!answer || !answer.ok) return;
    const data = await answer.json();
    if (made[name]) made[name].destroy();
    place.replaceChildren();
    made[name] = draw(place, data);
  }
  const all = () => { show("storage", storage); show("rates", rates); };
  all();
  setInterval(() => { if (!document.hidden) show("rates", rates); }, 10000);
  setInterval(() => { if (!document.hidden) show("storage", storage); }, 60000);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", all);
  let timer = 0;
  addEventListener("resize", () => { clearTimeout(timer); timer = setTimeout(all, 150); });
})();
