//! Tables for commands that list things: left-aligned columns, two spaces apart, faint headings.
//!
//! A table is never wider than the terminal: the widest columns are truncated with `…`. In a pipe, nothing is
//! truncated.

use std::io::{self, Write};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{FAINT, visible};

/// The space between two columns.
const GAP: &str = "  ";
/// No column is truncated below this width.
const NARROWEST: usize = 8;
/// The number of first rows that determine the column widths of a table that is written row by row.
const SAMPLE: usize = 1000;

/// Writes all rows below their headings, with columns wide enough for all of them; the last column is not padded.
pub(super) fn write(
    out: &mut dyn Write,
    headings: &[&str],
    rows: Vec<Vec<String>>,
    available: Option<usize>,
) -> io::Result<()> {
    let mut table = Table { sample: usize::MAX, ..Table::new(out, headings, available) };
    rows.into_iter().try_for_each(|row| table.add(&row))?;
    table.finish()
}

/// A table that is written row by row.
pub(crate) struct Table<'o> {
    out: &'o mut dyn Write,
    headings: Vec<String>,
    available: Option<usize>,
    sample: usize,
    waiting: Vec<Vec<String>>,
    /// Set once the headings are written.
    widths: Option<Vec<usize>>,
}

impl<'o> Table<'o> {
    /// A table that is as wide as the terminal, if `available` is given.
    pub(super) fn new(out: &'o mut dyn Write, headings: &[&str], available: Option<usize>) -> Self {
        let headings = headings.iter().map(|heading| in_one_line(heading)).collect();
        Self { out, headings, available, sample: SAMPLE, waiting: Vec::new(), widths: None }
    }

    /// Adds a row; the first rows are buffered until the column widths are determined.
    pub(crate) fn add<Cell: AsRef<str>>(&mut self, row: &[Cell]) -> io::Result<()> {
        let row: Vec<String> = row.iter().map(|cell| in_one_line(cell.as_ref())).collect();
        if let Some(widths) = &self.widths {
            return writeln!(self.out, "{}", padded(&row, widths));
        }
        self.waiting.push(row);
        if self.waiting.len() < self.sample { Ok(()) } else { self.write_waiting() }
    }

    /// Writes the buffered rows.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        if self.widths.is_none() { self.write_waiting() } else { Ok(()) }
    }

    fn write_waiting(&mut self) -> io::Result<()> {
        let mut widths = widths(&self.headings, &self.waiting);
        if let Some(available) = self.available {
            fit(&mut widths, available);
        }
        writeln!(self.out, "{FAINT}{}{FAINT:#}", padded(&self.headings, &widths))?;
        for row in self.waiting.drain(..) {
            writeln!(self.out, "{}", padded(&row, &widths))?;
        }
        self.widths = Some(widths);
        Ok(())
    }
}

fn in_one_line(cell: &str) -> String {
    visible(cell).replace('\t', " ")
}

fn widths(headings: &[String], rows: &[Vec<String>]) -> Vec<usize> {
    let width_of = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).chain(headings.get(column));
        cells.map(|cell| cell.width()).max().unwrap_or(0)
    };
    (0..headings.len()).map(width_of).collect()
}

/// Shrinks the widest columns until all of them fit, as far as possible.
fn fit(widths: &mut [usize], available: usize) {
    let gaps = GAP.len() * widths.len().saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > available {
        match widths.iter_mut().max_by_key(|width| **width) {
            Some(widest) if *widest > NARROWEST => *widest -= 1,
            _ => return,
        }
    }
}

fn padded(row: &[String], widths: &[usize]) -> String {
    let cells = row.iter().zip(widths).map(|(cell, width)| {
        let cell = cut(cell, *width);
        let padding = width.saturating_sub(cell.width());
        format!("{cell}{}", " ".repeat(padding))
    });
    cells.collect::<Vec<_>>().join(GAP).trim_end().to_owned()
}

/// A cell, truncated to its column if that was narrowed.
fn cut(cell: &str, width: usize) -> String {
    if cell.width() <= width || width < NARROWEST {
        return cell.to_owned();
    }
    let mut left = width - 1;
    let fits = |letter: &char| {
        let width = letter.width().unwrap_or_default();
        let fits = width <= left;
        left = left.saturating_sub(width);
        fits
    };
    let kept: String = cell.chars().take_while(fits).collect();
    kept + "…"
}

#[cfg(test)]
mod tests {
    use super::super::plain;
    use super::*;

    fn shown(available: Option<usize>, rows: &[[&str; 3]]) -> String {
        let rows = rows.iter().map(|cells| cells.map(str::to_owned).to_vec()).collect();
        let mut out = Vec::new();
        write(&mut out, &["model", "family", "tasks"], rows, available).unwrap();
        plain(out)
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_on_a_terminal() {
        let rows = [["bert", "text_embedding", "fill-mask"], ["日本", "größe", ""], ["a\nb", "\x1b[2J", "x"]];
        insta::assert_snapshot!(shown(None, &rows), @"
        model  family          tasks
        bert   text_embedding  fill-mask
        日本   größe
        a␊b    ␛[2J            x
        ");
    }

    #[test]
    fn a_table_is_not_wider_than_its_terminal() {
        let rows =
            [["bert", "text_embedding", "fill-mask, feature-extraction, text-classification"], ["日本", "x", "y"]];
        let text = shown(Some(40), &rows);
        insta::assert_snapshot!(text, @"
        model  family          tasks
        bert   text_embedding  fill-mask, featu…
        日本   x               y
        ");
        assert!(text.lines().all(|line| line.width() <= 40));
    }

    #[test]
    fn rows_without_end_are_written_while_they_come() {
        let mut out = Vec::new();
        let mut table = Table::new(&mut out, &["n"], None);
        for number in 0..=SAMPLE {
            table.add(&[(number * 1000).to_string()]).unwrap();
        }
        assert_eq!(table.waiting.len(), 0);
        table.finish().unwrap();
        assert_eq!(plain(out).lines().count(), SAMPLE + 2);
    }
}
