#!/bin/sh
# Tera 2.4.0: with the cargo feature `preserve_order`, maps keep the order of their keys in loops, and still the filter
# `group_by` gives its groups in another order in every process.
#
# The feature's promise reads like the end of random orders: a literal, a map of the context, `keys` and `values` come in
# the order in which they were written. `group_by` collects into a hash map of its own with a random state, whatever the
# feature, so a template that loops over groups renders another text each time. (Without the feature, all loops over maps
# differ from process to process; `{{ map }}` alone is sorted in both.) A template that must render the same bytes each time
# has to loop over sorted keys.
#
# Seen with tera 2.4.0, serde_json 1.0.150, rustc 1.95.0, over 20 processes:
#   literal: badc   map: badc   keys: ["b", "a", "d", "c"]   in all 20
#   group_by: many different orders, such as adcb, dbac, badc
#
# Needs cargo and the crates.io registry. Ends with an error if the behaviour changes.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir src
cat > Cargo.toml <<'TOML'
[package]
name = "order"
version = "0.0.0"
edition = "2021"

[dependencies]
tera = { version = "=2.4.0", features = ["preserve_order"] }
serde_json = { version = "=1.0.150", features = ["preserve_order"] }
TOML
cat > src/main.rs <<'RUST'
use serde_json::json;
use tera::{Context, Tera};

fn main() {
    let mut context = Context::new();
    context.insert("map", &json!({ "b": 1, "a": 2, "d": 3, "c": 4 }));
    context.insert("list", &json!([{ "key": "b" }, { "key": "a" }, { "key": "d" }, { "key": "c" }]));
    let template = match std::env::args().nth(1).as_deref() {
        Some("literal") => "{% for key, _ in { 'b': 1, 'a': 2, 'd': 3, 'c': 4 } %}{{ key }}{% endfor %}",
        Some("map") => "{% for key, _ in map %}{{ key }}{% endfor %}",
        Some("keys") => "{{ map | keys }}",
        _ => "{% for key, _ in list | group_by(attribute='key') %}{{ key }}{% endfor %}",
    };
    let mut tera = Tera::default();
    tera.add_raw_template("t", template).unwrap();
    println!("{}", tera.render("t", &context).unwrap());
}
RUST
cargo build --quiet

orders() {
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do ./target/debug/order "$1"; done | sort -u
}

for stable in literal map keys; do
    seen=$(orders "$stable")
    echo "$stable: $seen"
    [ "$(echo "$seen" | wc -l)" -eq 1 ] || { echo "changed: \`$stable\` has more than one order" >&2; exit 1; }
done
seen=$(orders group_by)
echo "group_by:" $seen
[ "$(echo "$seen" | wc -l)" -gt 1 ] || { echo "changed: \`group_by\` has one order in 20 processes" >&2; exit 1; }
