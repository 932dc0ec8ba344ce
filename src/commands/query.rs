//! `cargo tgen query`: a question to the template database, in SQL.

use std::io::{self, Write};
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde_json::{Map, Number, Value};
use tgen_core::base::bytes::Bytes;

use crate::exit::Exit;
use crate::printer::{Printer, Table, visible_lines, write_nested_json};
use crate::project::arguments::Global;
use crate::project::database::one_session;
use crate::store::{Column, Kind, Limits, Mode, Rows};
use crate::world::interrupt;

/// Query the template database with SQL, which cannot change it
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo tgen query \"FROM current_templates\"
  cargo tgen query \"SELECT family, count(*) FROM templates GROUP BY family\" --format csv
  cargo tgen query \"FROM planned_tests\" --format json --timeout 600 --memory 4GB")]
pub(crate) struct QueryArgs {
    /// One SELECT, or what DuckDB takes for one: FROM, WITH, VALUES, SHOW, DESCRIBE, SUMMARIZE
    sql: String,
    /// How to show the answer
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,
    /// The most memory that DuckDB may take
    #[arg(long, value_name = "SIZE", default_value = "1GB")]
    memory: Bytes,
    /// How long DuckDB may work on the answer; 0 means no limit
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u64,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum AnswerFormat {
    /// Columns, for people
    #[default]
    Table,
    /// A list of objects, for programs
    Json,
    /// Comma-separated values, for spreadsheets
    Csv,
}

pub(crate) fn run(global: &Global, args: &QueryArgs) -> anyhow::Result<Exit> {
    interrupt::listen();
    let store = one_session(global)?.database(Mode::Query(args.memory))?;
    let time = (args.timeout > 0).then(|| Duration::from_secs(args.timeout));
    let limits = Limits { time, is_interrupted: &interrupt::requested };
    Printer::new().stream(|out| {
        let mut rows = FormattedRows::new(args.format, out);
        store.query(&args.sql, &limits, &mut rows)?;
        Ok(rows.finish()?)
    })?;
    Ok(Exit::Clean)
}

/// Writes an answer while it comes.
struct FormattedRows<'o> {
    format: AnswerFormat,
    /// Where to write, until a table takes it over.
    out: Option<&'o mut dyn Write>,
    table: Option<Table<'o>>,
    columns: Vec<Column>,
    rows: usize,
}

impl<'o> FormattedRows<'o> {
    fn new(format: AnswerFormat, out: &'o mut dyn Write) -> Self {
        Self { format, out: Some(out), table: None, columns: Vec::new(), rows: 0 }
    }

    fn finish(self) -> io::Result<()> {
        match (self.table, self.out, self.format) {
            (Some(table), ..) => table.finish(),
            (None, Some(out), AnswerFormat::Json) if self.rows > 0 => writeln!(out, "\n]"),
            (None, Some(out), AnswerFormat::Json) => writeln!(out, "[]"),
            _ => Ok(()),
        }
    }
}

impl Rows<anyhow::Error> for FormattedRows<'_> {
    fn begin(&mut self, columns: Vec<Column>) -> anyhow::Result<()> {
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        match self.format {
            AnswerFormat::Table => self.table = self.out.take().map(|out| Printer::table_in(out, &names)),
            AnswerFormat::Csv => write_csv(self.out.as_deref_mut(), &names)?,
            AnswerFormat::Json => {}
        }
        self.columns = columns;
        Ok(())
    }

    fn row(&mut self, values: &[Option<&str>]) -> anyhow::Result<()> {
        self.rows += 1;
        match (self.format, &mut self.table, self.out.as_deref_mut()) {
            (AnswerFormat::Table, Some(table), _) => {
                table.add(&values.iter().map(|value| value.unwrap_or("NULL")).collect::<Vec<_>>())?;
            }
            (AnswerFormat::Csv, _, out) => {
                write_csv(out, &values.iter().map(|value| value.unwrap_or_default()).collect::<Vec<_>>())?;
            }
            (AnswerFormat::Json, _, Some(out)) => {
                write!(out, "{}", if self.rows == 1 { "[\n  " } else { ",\n  " })?;
                write_nested_json(out, &as_json(&self.columns, values))?;
            }
            _ => {}
        }
        Ok(())
    }
}

fn as_json(columns: &[Column], values: &[Option<&str>]) -> Map<String, Value> {
    columns.iter().zip(values).map(|(column, cell)| (column.name.clone(), value(column.kind, *cell))).collect()
}

/// A cell as JSON; a number that JSON readers would round stays text.
fn value(kind: Kind, cell: Option<&str>) -> Value {
    let Some(text) = cell else { return Value::Null };
    let number = || {
        let whole = text.parse::<i64>().map(Number::from).or_else(|_| text.parse::<u64>().map(Number::from));
        let is_whole = !text.contains(['.', 'e']);
        whole.ok().or_else(|| if is_whole { None } else { Number::from_f64(text.parse().ok()?) })
    };
    match kind {
        Kind::Boolean => Value::Bool(text == "true"),
        Kind::Number => number().map_or_else(|| text.into(), Value::Number),
        Kind::Text => text.into(),
    }
}

/// Writes a line of CSV, as it is to a file or a program, and made visible on a terminal.
fn write_csv(out: Option<&mut (dyn Write + '_)>, values: &[&str]) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(values)?;
    let line = writer.into_inner().map_err(csv::IntoInnerError::into_error)?;
    let line = String::from_utf8(line).map_err(io::Error::other)?;
    let line = if Printer::is_read_by_a_person() { visible_lines(&line) } else { line.into() };
    out.map_or(Ok(()), |out| out.write_all(line.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn shown(format: AnswerFormat, rows: &[[Option<&str>; 3]]) -> String {
        let column = |name: &str, kind| Column { name: name.to_owned(), kind };
        let mut out = Vec::new();
        let mut answer = FormattedRows::new(format, &mut out);
        answer.begin(vec![column("a", Kind::Number), column("b", Kind::Boolean), column("c", Kind::Text)]).unwrap();
        rows.iter().try_for_each(|row| answer.row(row)).unwrap();
        answer.finish().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_answer_keeps_its_values_in_every_format() {
        let rows = [
            [Some("18446744073709551615"), Some("true"), Some("a,\"b\"\n")],
            [Some("170141183460469231731687303715884105727"), None, Some("")],
            [Some("1.5"), Some("false"), None],
            [Some("nan"), None, Some("1")],
        ];
        insta::assert_snapshot!(shown(AnswerFormat::Json, &rows), @r#"
        [
          {
            "a": 18446744073709551615,
            "b": true,
            "c": "a,\"b\"\n"
          },
          {
            "a": "170141183460469231731687303715884105727",
            "b": null,
            "c": ""
          },
          {
            "a": 1.5,
            "b": false,
            "c": null
          },
          {
            "a": "nan",
            "b": null,
            "c": "1"
          }
        ]
        "#);
        insta::assert_snapshot!(shown(AnswerFormat::Csv, &rows), @r#"
        a,b,c
        18446744073709551615,true,"a,""b""
        "
        170141183460469231731687303715884105727,,
        1.5,false,
        nan,,1
        "#);
        assert_eq!(shown(AnswerFormat::Json, &[]), "[]\n");
    }
}
