#include "cli/page_style.h"

namespace octet::cli {
namespace {

constexpr std::string_view kStyle = R"(
:root{color-scheme:light dark;--back:#fff;--fore:#1c2330;--soft:#667085;--line:#e3e7ee;
--card:#f6f8fb;--int8:#0b7a75;--float:#c2570c;--bar:#7aa5d8;
--s0:#2f6fb7;--s1:#c2570c;--s2:#0b7a75;--s3:#8a4fbf;--s4:#b0302f;--s5:#6b7a12;--s6:#3d4a5c;
--s7:#c03f86;--s8:#8a6d3b;--s9:#33809a}
@media(prefers-color-scheme:dark){:root{--back:#11151c;--fore:#e6eaf1;--soft:#98a2b3;--line:#2a3240;
--card:#19202b;--int8:#3cc7bf;--float:#f59c52;--bar:#5c86bb;
--s0:#74aef0;--s1:#f59c52;--s2:#3cc7bf;--s3:#bd93ee;--s4:#f07f7d;--s5:#b8c95a;--s6:#b3c0d3;
--s7:#ee8cc0;--s8:#d3b47c;--s9:#7fc8de}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1180px;padding:2rem 1.2rem 4rem;background:var(--back);
color:var(--fore);font:15px/1.5 system-ui,sans-serif}
h1{font-size:1.5rem;margin:0;overflow-wrap:anywhere}h2{font-size:1.1rem;margin:2.4rem 0 .6rem}
p{margin:.3rem 0;color:var(--soft)}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(220px,1fr));gap:.8rem;
margin-top:1.2rem}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:.9rem 1rem}
.card b{display:block;font-size:1.35rem;font-weight:600}
.card span{color:var(--soft);font-size:.85rem}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.86rem}
th,td{padding:.3rem .6rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
th button{all:unset;cursor:pointer;font-weight:600;color:var(--soft)}
th button:focus-visible{outline:2px solid var(--int8)}
th.n{text-align:right}td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap;min-width:4.2rem}
td.n:has(.bar){min-width:6.5rem}
td.name{overflow-wrap:anywhere;min-width:11rem}
.int8{color:var(--int8);font-weight:600}.float{color:var(--float);font-weight:600}
.bar{display:block;height:5px;border-radius:3px;background:var(--bar);margin:3px 0 0 auto;
min-width:1px}
.bar.c{background:var(--int8)}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(260px,1fr));gap:.8rem}
figure{margin:0;border:1px solid var(--line);border-radius:10px;padding:.6rem .7rem;
content-visibility:auto;contain-intrinsic-size:260px 150px}
figcaption{font-size:.78rem;overflow-wrap:anywhere}
figcaption span{color:var(--soft);display:block}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(420px,100%),1fr));gap:.8rem}
.keys{display:flex;flex-wrap:wrap;gap:.2rem 1rem;margin-top:.3rem}
figcaption .key{display:flex;align-items:center;gap:.4rem;color:var(--fore)}
figcaption .swatch{width:14px;height:4px;border-radius:2px;flex:none}
svg{width:100%;height:auto;display:block}
svg .seen{fill:var(--bar)}svg .range{fill:var(--int8)}svg .edge{stroke:var(--int8)}
svg .zero{stroke:var(--soft);stroke-dasharray:2 2}
)";

}  // namespace

Html begin_page(const std::string& title) {
  Html page;
  page.raw("<!DOCTYPE html>\n").open("html", {{"lang", "en"}}).open("head");
  page.raw("<meta charset=\"utf-8\">");
  page.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
  page.leaf("title", title).open("style").raw(kStyle).close().close().open("body");
  return page;
}

void card(Html& page, const std::string& what, const std::string& figure, const std::string& more) {
  page.open("div", {{"class", "card"}});
  page.leaf("span", what).leaf("b", figure).leaf("span", more).close();
}

}  // namespace octet::cli
