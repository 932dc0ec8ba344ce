//! A run as one HTML file that needs nothing else: it works from `file://` and asks nobody for anything.
//!
//! What matters is there without JavaScript: what is missing, counts, what changed, the matrix, causes. The script adds the
//! list of all tests, a view of each, and facets. Everything foreign goes through [`shown`], and maud escapes it.

mod changes;
mod data;
mod lists;
mod matrix;
mod memory;
mod summary;
mod timeline;

use std::borrow::Cow;
use std::io::{self, Write};

use maud::{DOCTYPE, Markup, PreEscaped, html};
use tgen_core::results::matrix::{Rating, rating};
use tgen_core::results::verdict::Verdict;

use super::overview::Overview;
use crate::printer::{visible, visible_lines};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("page.js");

/// The browser itself refuses what the page must not do, whatever a test has written.
const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; \
                      form-action 'none'";
/// An empty icon: a browser would ask for one.
const NO_ICON: &str = "data:,";
/// The most letters of a message in a list, and of a name.
const LONGEST_TEXT: usize = 400;

/// Writes the page.
pub(crate) fn write(overview: &Overview<'_>, out: &mut dyn Write) -> io::Result<()> {
    let data = data::encoded(overview)?;
    let page = page(overview, &data);
    out.write_all(page.into_string().as_bytes())
}

fn page(overview: &Overview<'_>, data: &str) -> Markup {
    let name = Overview::names(overview.run);
    let sections = sections(overview);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content=(concat!("cargo-tgen ", env!("CARGO_PKG_VERSION")));
                link rel="icon" href=(NO_ICON);
                title { (overview.conclusion()) ": " (shown(&name)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#main" { "Skip to the results" }
                header { (summary::heading(overview, &name)) }
                nav aria-label="Sections" {
                    @for section in &sections { a href={ "#" (section.id) } { (section.title) } }
                }
                main #main {
                    @for section in &sections {
                        section id=(section.id) aria-labelledby={ "h-" (section.id) } {
                            h2 id={ "h-" (section.id) } { (section.title) }
                            (section.content)
                        }
                    }
                }
                footer { "Written by cargo-tgen " (env!("CARGO_PKG_VERSION")) ". This file needs no network." }
                dialog #test aria-labelledby="test-title" {}
                script #data type="text/plain" { (PreEscaped(data)) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
}

struct Section {
    id: &'static str,
    title: &'static str,
    content: Markup,
}

/// The sections that have something to say, in the order of the page.
fn sections(overview: &Overview<'_>) -> Vec<Section> {
    let sections = [
        ("counts", "Summary", Some(summary::summary(overview))),
        ("changes", "What changed", changes::changes(overview)),
        ("matrix", "Models", matrix::matrix(overview)),
        ("causes", "Causes", lists::causes(overview)),
        ("unstable", "Unstable tests", lists::unstable(overview)),
        ("slow", "Slow tests", lists::slow(overview)),
        ("timeline", "Timeline", timeline::timeline(overview)),
        ("memory", "Memory", memory::memory(overview)),
        ("tests", "All tests", Some(lists::tests())),
    ];
    let some = sections.into_iter().filter_map(|(id, title, content)| Some(Section { id, title, content: content? }));
    some.collect()
}

/// Foreign text for one line, cut.
fn shown(foreign: &str) -> String {
    let plain = anstream::adapter::strip_str(foreign).to_string();
    cut(visible(&plain), LONGEST_TEXT)
}

/// Foreign text of several lines, cut.
fn shown_lines(foreign: &str, longest: usize) -> String {
    let plain = anstream::adapter::strip_str(foreign).to_string();
    cut(visible_lines(&plain), longest)
}

fn cut(text: Cow<'_, str>, letters: usize) -> String {
    match text.char_indices().nth(letters) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.into_owned(),
    }
}

/// The class of a rating in the style sheet: short, because a page may have thousands.
const fn class(rating: Rating) -> &'static str {
    match rating {
        Rating::Failing => "f",
        Rating::Unknown => "u",
        Rating::Flaky => "y",
        Rating::Passing => "p",
        Rating::Skipped => "s",
    }
}

/// A sign for a rating, so that it does not take colour to tell them apart.
const fn glyph(rating: Rating) -> &'static str {
    match rating {
        Rating::Failing => "✗",
        Rating::Unknown => "?",
        Rating::Flaky => "~",
        Rating::Passing => "✓",
        Rating::Skipped => "–",
    }
}

/// A verdict as a badge.
fn badge(verdict: Verdict) -> Markup {
    let rating = rating(verdict);
    html! { span.badge.(class(rating)) { (glyph(rating)) " " (super::words(verdict)) } }
}

/// Seconds, as exact as the user wants them.
fn duration(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 10.0 => format!("{seconds:.2} s"),
        seconds if seconds < 120.0 => format!("{seconds:.1} s"),
        seconds if seconds < 7200.0 => format!("{:.0} min", seconds / 60.0),
        seconds => format!("{:.1} h", seconds / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use tgen_core::results::past::Past;
    use tgen_core::results::reading::Recorded;

    use super::super::{RunReport, fixture};
    use super::*;

    fn written(recorded: &Recorded, against: Option<&Recorded>) -> String {
        let run = RunReport::new(recorded, None, "python");
        let other = against.map(|other| RunReport::new(other, None, "python"));
        let earlier = against.cloned().unwrap_or_default();
        let overview = Overview::new(&run, other.as_ref(), Past::new(&earlier, recorded));
        let mut out = Vec::new();
        write(&overview, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// The text of a page as a browser without JavaScript shows it, roughly.
    fn text(page: &str) -> String {
        let (_, body) = page.split_once("<body>").unwrap();
        let body = body.split_once("<dialog").unwrap().0;
        let words = body.split('<').filter_map(|piece| piece.split_once('>')).map(|(_, text)| text.trim());
        words.filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_is_missing_and_what_is_new_are_told_without_a_script() {
        let text = text(&written(&fixture::mixed(), Some(&fixture::passed_earlier())));
        for told in [
            "tests failed",
            "✗ 2/4",
            "3 new",
            "failing now (1):",
            "TestB::test_c[x::y]",
            "assert 1 == 2",
            "all tests needs JavaScript",
        ] {
            assert!(text.contains(told), "`{told}` is not in\n{text}");
        }
        let incomplete = self::text(&written(&fixture::passed(), None));
        assert!(incomplete.find("not the whole run") < incomplete.find("Summary"), "{incomplete}");
    }

    #[test]
    fn the_models_after_the_first_twenty_are_in_a_fold() {
        let text = text(&written(&fixture::many_models_fail(953), Some(&fixture::passed_earlier())));
        let (_, changes) = text.split_once("What changed").unwrap();
        let (before, folded) = changes.split_once("and 933 more models").unwrap();
        assert!(before.contains("new (953):") && before.contains("model_019"), "{before}");
        assert!(!before.contains("model_020") && folded.contains("model_952"), "{before}");
    }

    #[test]
    fn texts_of_tests_stay_texts() {
        let page = written(&fixture::hostile(), None);
        assert_eq!(page.matches("<script").count(), 2);
        assert_eq!(page.matches("</script").count(), 2);
        assert!(!page.contains("<img"), "{page}");
        assert!(!page.chars().any(|letter| letter.is_control() && !matches!(letter, '\n' | '\t')));
    }

    #[test]
    fn the_page_names_no_other_address() {
        let page = written(&fixture::mixed(), None);
        assert!(!page.contains("http:") && !page.contains("https:") && !page.contains("@import"));
    }
}
