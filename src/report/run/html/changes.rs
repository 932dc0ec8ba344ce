//! What changed from another run.

use maud::{Markup, html};
use tgen_core::results::comparison::{ChangedTest, TestChange};
use tgen_core::results::message::message;
use tgen_core::results::verdict::Test;

use super::lists::{commands, test_link};
use super::{badge, shown};
use crate::printer::{counted, cut};
use crate::report::run::overview::{Against, Overview, change_meaning, change_words};

/// The most tests of a change that are listed; the list of all tests has the rest.
const TESTS: usize = 100;
/// The most models that are named before the rest is folded, and the most in the fold: a page with more would not open.
const MODELS: usize = 20;
const FOLDED_MODELS: usize = 3000;

pub(super) fn changes(overview: &Overview<'_>) -> Option<Markup> {
    let against = overview.against.as_ref()?;
    let name = shown(&Overview::names(against.run));
    Some(html! {
        p { "Against " b { (name) } ": " (against.counts()) "." }
        (versions(overview, against))
        (models(against))
        @for change in TestChange::ALL { (tests(overview, against, *change)) }
    })
}

/// What is not the same in the environments of the two runs.
fn versions(overview: &Overview<'_>, against: &Against<'_>) -> Markup {
    let other = Overview::environment(against.run);
    let differences: Vec<(&str, String, String)> = Overview::environment(overview.run)
        .into_iter()
        .filter(|(key, _)| !matches!(*key, "run" | "started" | "command" | "shard"))
        .filter_map(|(key, now)| {
            let before = other.iter().find(|(one, _)| *one == key).map(|(_, value)| value.clone()).unwrap_or_default();
            (before != now).then_some((key, before, now))
        })
        .collect();
    html! {
        @if !differences.is_empty() {
            ul.plain { @for (key, before, now) in &differences {
                li { (key) ": " (shown(if before.is_empty() { "unknown" } else { before })) " → " b { (shown(now)) } }
            } }
        }
    }
}

fn models(against: &Against<'_>) -> Markup {
    let models = against.models();
    html! {
        @if !models.is_empty() {
            ul.models {
                @for (words, names) in &models {
                    @let first = cut(names, MODELS);
                    li {
                        b { "Models " (words) " (" (names.len()) "): " }
                        (named(first.shown))
                        @if first.rest > 0 { (folded(&names[first.shown.len()..])) }
                    }
                }
            }
        }
    }
}

/// Names that the reader unfolds; this takes no JavaScript.
fn folded(names: &[&str]) -> Markup {
    let shown_names = cut(names, FOLDED_MODELS);
    html! {
        details {
            summary { "and " (counted(names.len(), "more model")) }
            (named(shown_names.shown))
            @if shown_names.rest > 0 { " and " (shown_names.rest) " more" }
        }
    }
}

fn named(names: &[&str]) -> Markup {
    html! { @for (at, name) in names.iter().enumerate() { @if at > 0 { ", " } code { (shown(name)) } } }
}

fn tests(overview: &Overview<'_>, against: &Against<'_>, change: TestChange) -> Markup {
    let tests: Vec<&ChangedTest<'_>> = against.comparison.of(change).collect();
    let shown_tests = cut(&tests, TESTS);
    html! {
        @if !tests.is_empty() {
            details.box open[change == TestChange::New] {
                summary { b { (tests.len()) " " (change_words(change)) } " — " (change_meaning(change)) }
                ul.tests {
                    @for test in shown_tests.shown { (entry(overview, test)) }
                    @if shown_tests.rest > 0 { li { "and " (counted(shown_tests.rest, "more test")) } }
                }
            }
        }
    }
}

fn entry(overview: &Overview<'_>, changed: &ChangedTest<'_>) -> Markup {
    let Some(test) = changed.test() else { return html! {} };
    let (before, now) = (verdict(changed.before), verdict(changed.now));
    html! {
        li {
            (before) " → " (now) " " (test_link(overview, test)) " "
            @if changed.now.is_some() && !message(&test.last().reason).is_empty() {
                div.message { (shown(message(&test.last().reason))) }
            }
            @if matches!(changed.change, TestChange::New | TestChange::Changed) { (commands(overview, test)) }
        }
    }
}

fn verdict(test: Option<&Test<'_>>) -> Markup {
    html! { @match test { Some(test) => (badge(test.verdict)), None => span.badge { "not there" } } }
}
