//! The language server as an editor starts it: over pipes, with standard input left open.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};

use super::BINARY;

struct Server {
    process: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Server {
    fn start() -> Self {
        let mut process = Command::new(BINARY)
            .args(["tgen", "lsp", "--stdio"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let mut server = Self { process, output };
        server.send(r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{}}}"#);
        assert!(server.receive().contains(r#""name":"cargo-tgen""#));
        server
    }

    fn send(&mut self, message: &str) {
        let framed = format!("Content-Length: {}\r\n\r\n{message}", message.len());
        self.process.stdin.as_mut().unwrap().write_all(framed.as_bytes()).unwrap();
    }

    fn receive(&mut self) -> String {
        let mut length = 0;
        loop {
            let mut line = String::new();
            self.output.read_line(&mut line).unwrap();
            match line.trim_end().strip_prefix("Content-Length: ") {
                Some(count) => length = count.parse().unwrap(),
                None if line.trim_end().is_empty() => break,
                None => {}
            }
        }
        let mut body = vec![0; length];
        self.output.read_exact(&mut body).unwrap();
        String::from_utf8(body).unwrap()
    }

    /// Says `exit`; standard input is still open when the process ends.
    fn exit(mut self) -> Option<i32> {
        self.send(r#"{"jsonrpc":"2.0","method":"exit"}"#);
        let input = self.process.stdin.take();
        let status = self.process.wait().unwrap();
        drop(input);
        status.code()
    }
}

#[test]
fn exit_ends_the_process_and_its_code_tells_whether_it_was_shut_down() {
    let mut server = Server::start();
    server.send(r#"{"jsonrpc":"2.0","id":2,"method":"shutdown","params":null}"#);
    assert!(server.receive().contains(r#""result":null"#));
    assert_eq!(server.exit(), Some(0));
    assert_eq!(Server::start().exit(), Some(1));
}
