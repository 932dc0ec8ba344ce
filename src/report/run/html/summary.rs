//! The head of the page and its counts.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};
use tgen_core::results::matrix::{Rating, rating, subject};
use tgen_core::results::message::masked;
use tgen_core::results::outcome::Outcome;
use tgen_core::results::verdict::{Conclusion, Verdict};

use super::{class, duration, glyph, shown};
use crate::printer::{counted, cut};
use crate::report::run::overview::Overview;
use crate::report::run::timeline::runners;
use crate::report::run::words;

/// The most reasons of skips that are listed.
const REASONS: usize = 10;

/// What the run came to, what is missing from it, and where it ran.
pub(super) fn heading(overview: &Overview<'_>, name: &str) -> Markup {
    let gaps = overview.gaps();
    let tone = match overview.run.conclusion() {
        Conclusion::TestsFailed => Rating::Failing,
        Conclusion::Passed if gaps.is_empty() => Rating::Passing,
        _ => Rating::Unknown,
    };
    let mut facts: Vec<(&str, String)> = Overview::environment(overview.run);
    facts.retain(|(key, _)| *key != "run");
    html! {
        @if !gaps.is_empty() {
            div.gaps role="note" {
                strong { "This is not the whole run." }
                ul { @for gap in &gaps { li { (shown(gap)) } } }
            }
        }
        p.conclusion { span.badge.(class(tone)) { (glyph(tone)) " " (overview.conclusion()) } }
        h1 { "Run " (shown(name)) }
        p.sentence { (extent(overview)) }
        dl.facts {
            @for (key, value) in &facts { div { dt { (key) } dd { (shown(value)) } } }
            @if let Some(implementations) = overview.run.implementations() {
                div { dt { "models" } dd { (implementations) } }
            }
            @if let Some(against) = &overview.against {
                div { dt { "compared with" } dd { (shown(&Overview::names(against.run))) } }
            }
        }
    }
}

/// How much ran, how long.
fn extent(overview: &Overview<'_>) -> String {
    let models: BTreeSet<&str> = overview.run.tests.iter().map(subject).collect();
    let hardware = counted(overview.run.summary.hardware().len(), "hardware type");
    let extent =
        format!("{} of {} on {hardware}", counted(overview.run.tests.len(), "test"), counted(models.len(), "model"));
    match runners(overview.run.recorded)
        .iter()
        .flat_map(|runner| &runner.units)
        .map(|unit| unit.span.end)
        .max_by(f64::total_cmp)
    {
        Some(seconds) => format!("{extent}, in {}", duration(seconds)),
        None => extent,
    }
}

/// A tile for each verdict, and why tests were skipped.
pub(super) fn summary(overview: &Overview<'_>) -> Markup {
    let counts = &overview.run.summary;
    let verdicts: Vec<Verdict> = Verdict::all().into_iter().filter(|verdict| counts.total(*verdict) > 0).collect();
    html! {
        ul.tiles {
            @for verdict in &verdicts {
                @let rating = rating(*verdict);
                li.(class(rating)) data-verdict=(verdict.name()) {
                    b { (counts.total(*verdict)) }
                    span { (glyph(rating)) " " (words(*verdict)) }
                }
            }
            @if let Some((percent, ran)) = overview.failure_rate() {
                li {
                    b { (format!("{percent:.1} %")) }
                    span { "failed of " (ran) " that ran" }
                }
            }
        }
        @if counts.hardware().len() > 1 { (by_hardware(overview, &verdicts)) }
        (skips(overview))
    }
}

fn by_hardware(overview: &Overview<'_>, verdicts: &[Verdict]) -> Markup {
    let counts = &overview.run.summary;
    html! {
        div.scroll tabindex="0" role="region" aria-label="Counts by hardware type" {
            table.counts {
                thead { tr {
                    th scope="col" { "hardware" }
                    @for verdict in verdicts { th.number scope="col" { (words(*verdict)) } }
                } }
                tbody { @for hardware in counts.hardware() { tr {
                    th scope="row" { (hardware.name()) }
                    @for verdict in verdicts { td.number { (counts.count(hardware, *verdict)) } }
                } } }
            }
        }
    }
}

fn skips(overview: &Overview<'_>) -> Markup {
    let skipped = overview.run.tests.iter().filter(|test| test.verdict == Verdict::Ended(Outcome::Skipped));
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for test in skipped {
        *reasons.entry(masked(&test.last().reason)).or_default() += 1;
    }
    let mut reasons: Vec<(String, usize)> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, count)| Reverse(*count));
    let shown_reasons = cut(&reasons, REASONS);
    html! {
        @if !reasons.is_empty() {
            details.box {
                summary { "Reasons of skips (" (reasons.iter().map(|(_, count)| count).sum::<usize>()) ")" }
                ul.plain {
                    @for (reason, count) in shown_reasons.shown {
                        li { b { (count) } " " @if reason.is_empty() { "no reason given" } @else { (shown(reason)) } }
                    }
                    @if shown_reasons.rest > 0 { li { "and " (counted(shown_reasons.rest, "more reason")) } }
                }
            }
        }
    }
}
