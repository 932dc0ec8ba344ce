//! `cargo tgen query`: a question to the template database, in SQL.

use std::io;

use clap::{Args, ValueEnum};
use serde_json::{Map, Number, Value};

use crate::outcome::Outcome;
use crate::printer::Printer;
use crate::project::arguments::Global;
use crate::project::database::one_session;
use crate::store::{Answer, Kind, Mode};

/// Ask the template database something in SQL; nothing can be changed
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo tgen query \"FROM current_templates\"
  cargo tgen query \"SELECT family, count(*) FROM templates GROUP BY family\" --format csv")]
pub(crate) struct QueryArgs {
    /// One SELECT, or what DuckDB takes for one: FROM, WITH, VALUES, SHOW, DESCRIBE, SUMMARIZE
    sql: String,
    /// How to show the answer
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,
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

pub(crate) fn run(global: &Global, args: &QueryArgs) -> anyhow::Result<Outcome> {
    let store = one_session(global)?.database(Mode::ReadOnly)?;
    let answer = store.query(&args.sql)?;
    let printer = Printer::new();
    match args.format {
        AnswerFormat::Table => {
            let headings: Vec<_> = answer.columns.iter().map(|column| column.name.as_str()).collect();
            let row = |row: &Vec<Option<String>>| {
                row.iter().map(|cell| cell.clone().unwrap_or_else(|| "NULL".to_owned())).collect()
            };
            printer.table(&headings, answer.rows.iter().map(row).collect())?;
        }
        AnswerFormat::Json => printer.json(&as_json(&answer))?,
        AnswerFormat::Csv => Printer::bytes(&as_csv(&answer)?)?,
    }
    Ok(Outcome::Clean)
}

fn as_json(answer: &Answer) -> Vec<Map<String, Value>> {
    let object = |row: &Vec<Option<String>>| {
        let cells = answer.columns.iter().zip(row);
        cells.map(|(column, cell)| (column.name.clone(), value(column.kind, cell.as_deref()))).collect()
    };
    answer.rows.iter().map(object).collect()
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

fn as_csv(answer: &Answer) -> io::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(answer.columns.iter().map(|column| &column.name))?;
    for row in &answer.rows {
        writer.write_record(row.iter().map(|cell| cell.as_deref().unwrap_or_default()))?;
    }
    writer.into_inner().map_err(csv::IntoInnerError::into_error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Column;

    #[test]
    fn an_answer_keeps_its_values_in_every_format() {
        let column = |name: &str, kind| Column { name: name.to_owned(), kind };
        let columns = vec![column("a", Kind::Number), column("b", Kind::Boolean), column("c", Kind::Text)];
        let row = |cells: [Option<&str>; 3]| cells.map(|cell| cell.map(str::to_owned)).to_vec();
        let rows = vec![
            row([Some("18446744073709551615"), Some("true"), Some("a,\"b\"\n")]),
            row([Some("170141183460469231731687303715884105727"), None, Some("")]),
            row([Some("1.5"), Some("false"), None]),
            row([Some("nan"), None, Some("1")]),
        ];
        let answer = Answer { columns, rows };
        insta::assert_snapshot!(serde_json::to_string(&as_json(&answer)).unwrap(), @r#"
        [{"a":18446744073709551615,"b":true,"c":"a,\"b\"\n"},{"a":"170141183460469231731687303715884105727","b":null,"c":""},{"a":1.5,"b":false,"c":null},{"a":"nan","b":null,"c":"1"}]
        "#);
        insta::assert_snapshot!(String::from_utf8(as_csv(&answer).unwrap()).unwrap(), @r#"
        a,b,c
        18446744073709551615,true,"a,""b""
        "
        170141183460469231731687303715884105727,,
        1.5,false,
        nan,,1
        "#);
    }
}
