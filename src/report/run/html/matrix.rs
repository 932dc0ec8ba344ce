//! Models by hardware type, the worst first.

use maud::{Markup, html};
use tgen_core::results::matrix::{Cell, Matrix, Rating, Row};

use super::{class, glyph, shown};
use crate::printer::counted;
use crate::report::run::cell_words;
use crate::report::run::overview::Overview;

/// The most rows of a table: a page with more would not open.
const ROWS: usize = 3000;

pub(super) fn matrix(overview: &Overview<'_>) -> Option<Markup> {
    let matrix = Matrix::new(&overview.run.tests);
    let troubled = matrix.rows.partition_point(|row| row.total().rating() < Rating::Passing);
    let (troubled, well) = matrix.rows.split_at(troubled);
    (!matrix.rows.is_empty()).then(|| {
        html! {
            p.legend {
                @for (rating, words) in LEGEND { span { span.badge.(class(*rating)) { (glyph(*rating)) } " " (words) } }
            }
            div.facets hidden {}
            @if troubled.is_empty() { p { "Nothing is wrong with any model." } } @else { (table(&matrix, troubled, "Models with trouble")) }
            @if !well.is_empty() {
                details.box open[troubled.is_empty() && well.len() <= 30] {
                    summary { (counted(well.len(), "model")) " with nothing wrong" }
                    (table(&matrix, well, "Models with nothing wrong"))
                }
            }
        }
    })
}

const LEGEND: &[(Rating, &str)] = &[
    (Rating::Failing, "failing / all tests"),
    (Rating::Unknown, "not run or blocked"),
    (Rating::Flaky, "passed on a retry"),
    (Rating::Passing, "passed, the others skipped"),
    (Rating::Skipped, "all skipped"),
];

fn table(matrix: &Matrix<'_>, rows: &[Row<'_>], caption: &str) -> Markup {
    let shown_rows = &rows[..rows.len().min(ROWS)];
    html! {
        div.scroll tabindex="0" role="region" aria-label=(caption) {
            table.matrix {
                caption.hidden { (caption) ": tests by hardware type" }
                thead { tr { th scope="col" { "model" } @for hardware in &matrix.hardware { th scope="col" { (hardware.name()) } } } }
                tbody { @for row in shown_rows { (self::row(row)) } }
            }
        }
        @if shown_rows.len() < rows.len() { p { "and " (counted(rows.len() - shown_rows.len(), "more model")) } }
    }
}

fn row(row: &Row<'_>) -> Markup {
    html! { tr { th scope="row" { (shown(row.model)) } @for cell in &row.cells { (self::cell(cell.as_ref())) } } }
}

fn cell(cell: Option<&Cell>) -> Markup {
    html! { @match cell { Some(cell) => td.(class(cell.rating())) { (cell_words(cell)) }, None => td {} } }
}
