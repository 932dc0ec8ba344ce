//! Lists of tests: those that failed alike, those that flip, those that are slow. And the place for the list of all.

use std::cmp::Reverse;
use std::time::Duration;

use maud::{Markup, html};
use tgen_core::model::hardware::HardwareType;
use tgen_core::results::attempt::Attempt;
use tgen_core::results::clusters::{Cluster, clusters};
use tgen_core::results::matrix::subject;
use tgen_core::results::message::message;
use tgen_core::results::verdict::Test;

use super::{badge, duration, shown, shown_lines};
use crate::printer::{counted, cut, listed};
use crate::report::run::explain;
use crate::report::run::overview::Overview;

/// The most causes and the most tests that are listed.
const CAUSES: usize = 60;
const UNSTABLE: usize = 60;
const SLOWEST: usize = 20;
/// The most letters of a log.
const LOG: usize = 4000;
/// The most models that a cause names.
const MODELS: usize = 12;

/// Why tests did not pass, the most frequent cause first.
pub(super) fn causes(overview: &Overview<'_>) -> Option<Markup> {
    let causes = clusters(&overview.run.tests);
    let shown_causes = cut(&causes, CAUSES);
    (!causes.is_empty()).then(|| {
        html! {
            p { "Tests whose messages differ only in numbers, addresses and folders are taken for one cause." }
            @for cause in shown_causes.shown { (self::cause(overview, cause)) }
            @if shown_causes.rest > 0 { p { "and " (counted(shown_causes.rest, "more cause")) } }
        }
    })
}

fn cause(overview: &Overview<'_>, cause: &Cluster<'_>) -> Markup {
    let example = cause.example().last();
    let mut models: Vec<&str> = cause.tests.iter().map(|test| subject(test)).collect();
    models.sort_unstable();
    models.dedup();
    let message = message(&example.reason);
    html! {
        details.box.cause {
            summary {
                (badge(cause.verdict)) " " b { (counted(cause.tests.len(), "test")) } " "
                span.message { @if message.is_empty() { "no reason given" } @else { (shown(message)) } }
            }
            p { "In " (counted(models.len(), "model")) ": " (shown(&listed(&models, MODELS))) }
            p { "For example " (test_link(overview, cause.example())) }
            (commands(overview, cause.example()))
            @if let Some(log) = &example.log { pre tabindex="0" { (shown_lines(log, LOG)) } }
        }
    }
}

/// Tests that pass or fail from run to run.
pub(super) fn unstable(overview: &Overview<'_>) -> Option<Markup> {
    let unstable: Vec<&Test<'_>> = overview.run.tests.iter().filter(|test| overview.past.is_unstable(test)).collect();
    let shown_tests = cut(&unstable, UNSTABLE);
    (!unstable.is_empty()).then(|| {
        html! {
            p { "They passed only on a retry, or have changed between passing and failing in their last runs; the newest is on the right." }
            ul.tests {
                @for test in shown_tests.shown { li { (strip(overview, test)) " " (test_link(overview, test)) } }
                @if shown_tests.rest > 0 { li { "and " (counted(shown_tests.rest, "more test")) } }
            }
        }
    })
}

/// The last outcomes of a test, a sign for each.
fn strip(overview: &Overview<'_>, test: &Test<'_>) -> Markup {
    let verdicts = overview.past.strip(test);
    let names: Vec<&str> = verdicts.iter().map(|verdict| verdict.name()).collect();
    html! {
        span.strip role="img" aria-label={ "last outcomes: " (names.join(", ")) } {
            @for verdict in &verdicts {
                @let rating = tgen_core::results::matrix::rating(*verdict);
                i.(super::class(rating)) { (super::glyph(rating)) }
            }
        }
    }
}

/// Tests that took longer than they do as a rule, and those that took longest.
pub(super) fn slow(overview: &Overview<'_>) -> Option<Markup> {
    let mut slow: Vec<(&Test<'_>, Duration)> =
        overview.run.tests.iter().filter_map(|test| Some((test, overview.past.slow(test)?.median))).collect();
    slow.sort_by_key(|(test, median)| Reverse(test.last().elapsed().saturating_sub(*median)));
    let mut slowest: Vec<&Test<'_>> = overview.run.tests.iter().filter(|test| test.last().duration > 0.0).collect();
    slowest.sort_by(|left, right| right.last().duration.total_cmp(&left.last().duration));
    let shown_slow = cut(&slow, SLOWEST);
    (!slowest.is_empty()).then(|| {
        html! {
            @if !slow.is_empty() {
                p { (counted(slow.len(), "test")) " took longer than the median of earlier runs by more than three median deviations and a second." }
                ul.tests {
                    @for (test, median) in shown_slow.shown {
                        li {
                            b { (duration(test.last().duration)) } " instead of " (duration(median.as_secs_f64())) " "
                            (test_link(overview, test))
                        }
                    }
                    @if shown_slow.rest > 0 { li { "and " (counted(shown_slow.rest, "more test")) } }
                }
            }
            details.box {
                summary { "The slowest tests" }
                ul.tests { @for test in slowest.iter().take(SLOWEST) {
                    li { b { (duration(test.last().duration)) } " " (test_link(overview, test)) }
                } }
            }
        }
    })
}

/// The place for the list of all tests, which the script fills.
pub(super) fn tests() -> Markup {
    html! {
        noscript { p { "The list of all tests needs JavaScript. Everything above does not." } }
        div #list hidden {}
    }
}

/// A test that leads to its view, with where it ran.
pub(super) fn test_link(overview: &Overview<'_>, test: &Test<'_>) -> Markup {
    let last = test.last();
    let name = shown(&last.nodeid);
    let place = place_of(overview, test);
    html! {
        @match place { Some(place) => a.test href={ "#test=" (place) } { (name) }, None => span.test { (name) } }
        " " span.where { "on " (shown(last.device.as_deref().unwrap_or(last.hardware.name()))) }
    }
}

/// The number of a test in the data of the page; none for a test of the other run.
fn place_of(overview: &Overview<'_>, test: &Test<'_>) -> Option<usize> {
    // As the tests are sorted.

    let tests = &overview.run.tests;
    let place = tests.partition_point(|one| key(one.last()) < key(test.last()));
    tests.get(place).filter(|one| std::ptr::eq(one.last(), test.last())).map(|_| place)
}

fn key(attempt: &Attempt) -> (&str, &str, HardwareType) {
    (&attempt.file, &attempt.nodeid, attempt.hardware)
}

/// The commands that run a test again and show the template line behind it.
pub(super) fn commands(overview: &Overview<'_>, test: &Test<'_>) -> Markup {
    let last = test.last();
    html! {
        dl.commands {
            div { dt { "reproduce" } dd { code { (shown(&overview.run.reproduce(last))) } } }
            @if let Some(explain) = explain(last) { div { dt { "template" } dd { code { (shown(&explain)) } } } }
        }
    }
}
