//! What is known of a process that has ended in the middle: its exit status in words, and where it was.

use camino::Utf8Path;

/// How a process has ended; a signal is a negative number.
pub(super) fn words_for_exit(code: i32) -> String {
    match code {
        0.. => format!("the process ended with exit status {code} in the middle"),
        signal => format!("the process was ended by {}", signal_name(-signal)),
    }
}

fn signal_name(number: i32) -> String {
    let known =
        [(4, "SIGILL"), (6, "SIGABRT"), (7, "SIGBUS"), (8, "SIGFPE"), (9, "SIGKILL"), (11, "SIGSEGV"), (15, "SIGTERM")];
    let name = known.iter().find(|(known, _)| *known == number).map(|(_, name)| (*name).to_owned());
    name.unwrap_or_else(|| format!("signal {number}"))
}

/// Where a process was when a signal came, as Python's fault handler has written it: the calls of the test, innermost first.
pub(super) fn innermost_calls(log: &str) -> Option<String> {
    const FIRST_LINES: [&str; 3] = ["Fatal Python error", "Current thread", "Thread 0x"];
    let lines: Vec<&str> = log.lines().collect();
    let begins = |line: &&str| FIRST_LINES.iter().any(|first| line.starts_with(first));
    let start =
        lines.iter().rposition(|line| line.starts_with("Current thread")).or_else(|| lines.iter().rposition(begins))?;
    let is_of_pytest = |line: &&&str| {
        ["/_pytest/", "/pluggy/", "tgen_worker.py", "_tgen_session.py"].iter().any(|part| line.contains(part))
    };
    let calls: Vec<&str> = lines[start..].iter().take_while(|line| !is_of_pytest(line)).copied().collect();
    Some(calls.join("\n"))
}

/// The innermost line of a file among calls that Python's fault handler has written.
pub(super) fn line_in(calls: &str, file: &Utf8Path) -> Option<u32> {
    let name = format!("{}\", line ", file.file_name()?);
    let (_, rest) = calls.split_once(&name)?;
    let end = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

/// The last line of what pytest says.
pub(super) fn last_line(text: &str) -> &str {
    text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it cannot be collected").trim()
}

/// Why pytest could not start with any file, in what it has written.
pub(super) fn usage_error(log: &str) -> Option<&str> {
    const OF_A_FILE: [&str; 2] = ["file or directory not found", "not found:"];
    let (_, message) = log.split_once("ERROR: ")?;
    if message.starts_with("usage: ") {
        return message.lines().find_map(|line| Some(line.split_once(": error: ")?.1));
    }
    message.lines().next().filter(|message| !OF_A_FILE.iter().any(|start| message.starts_with(start)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_test_was_is_read_from_what_the_fault_handler_writes() {
        let log = "collected 1 item\n\nCurrent thread 0x1 (most recent call first):\n  File \"/lib/time.py\", line 9 in wait\n  \
            File \"/p/tests/test_a.py\", line 7 in test_x\n  File \"/p/_pytest/python.py\", line 1 in call\n";
        let calls = innermost_calls(log).unwrap();
        assert_eq!(calls.lines().count(), 3);
        assert_eq!(line_in(&calls, "tests/test_a.py".into()), Some(7));
        assert_eq!(innermost_calls("collected 1 item"), None);
    }

    #[test]
    fn an_error_of_usage_is_told_from_that_of_one_file() {
        let wrong_option = "ERROR: usage: pytest.main() [options]\npytest.main(): error: unrecognized arguments: --x\n";
        assert_eq!(usage_error(wrong_option), Some("unrecognized arguments: --x"));
        let wrong_keyword = "ERROR: Wrong expression passed to '-k': (: at column 2";
        assert_eq!(usage_error(wrong_keyword), Some("Wrong expression passed to '-k': (: at column 2"));
        assert_eq!(usage_error("ERROR: file or directory not found: a.py"), None);
        assert_eq!(usage_error("ImportError while loading conftest 'a/conftest.py'."), None);
    }
}
