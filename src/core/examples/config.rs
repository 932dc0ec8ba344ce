//! Prints the documents that are generated from the table of configuration keys, for redirecting into their files:
//! `cargo run -p tgen-core --example config -- schema > schema/tgen.schema.json`,
//! `cargo run -p tgen-core --example config -- docs > docs/configuration.md`.

use std::io::{self, Write};
use std::process::ExitCode;

use tgen_core::config::{docs, schema};

fn main() -> io::Result<ExitCode> {
    let document = match std::env::args().nth(1).as_deref() {
        Some("schema") => schema::json_schema(),
        Some("docs") => docs::configuration_markdown(),
        _ => {
            writeln!(io::stderr(), "say which document to print: `schema` or `docs`")?;
            return Ok(ExitCode::from(2));
        }
    };
    io::stdout().write_all(document.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
