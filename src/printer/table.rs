//! Columns for the commands that list things: left-aligned, two spaces apart, headings faint.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use super::{FAINT, visible};

/// Writes rows below their headings; the last column is not padded.
pub(super) fn write(out: &mut dyn Write, headings: &[&str], rows: Vec<Vec<String>>) -> io::Result<()> {
    let headings: Vec<String> = headings.iter().map(ToString::to_string).collect();
    let rows: Vec<Vec<String>> =
        rows.into_iter().map(|row| row.iter().map(|cell| in_one_line(cell)).collect()).collect();
    let widths = widths(&headings, &rows);
    writeln!(out, "{FAINT}{}{FAINT:#}", padded(&headings, &widths))?;
    rows.iter().try_for_each(|row| writeln!(out, "{}", padded(row, &widths)))
}

fn in_one_line(cell: &str) -> String {
    visible(cell).replace(['\n', '\t'], " ")
}

fn widths(headings: &[String], rows: &[Vec<String>]) -> Vec<usize> {
    let width_of = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).chain(headings.get(column));
        cells.map(|cell| cell.width()).max().unwrap_or(0)
    };
    (0..headings.len()).map(width_of).collect()
}

fn padded(row: &[String], widths: &[usize]) -> String {
    let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell}{}", " ".repeat(width - cell.width())));
    cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::plain;
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_on_a_terminal() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let rows = vec![
            row(["bert", "text_embedding", "fill-mask"]),
            row(["日本", "größe", ""]),
            row(["a\nb", "\x1b[2J", "x"]),
        ];
        let mut out = Vec::new();
        write(&mut out, &["model", "family", "tasks"], rows).unwrap();
        insta::assert_snapshot!(plain(out), @"
        model  family          tasks
        bert   text_embedding  fill-mask
        日本   größe
        a b    ␛[2J            x
        ");
    }
}
