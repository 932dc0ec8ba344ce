//! Single keys from a terminal, without waiting for the end of a line.

use std::io::{IsTerminal, Read};

use crate::world::threads;

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// Rebuild everything.
    Rebuild,
    /// Show how the last rebuild changed the outputs.
    Difference,
    /// End.
    Quit,
}

impl Key {
    fn of(byte: u8) -> Option<Self> {
        match byte {
            b'\n' | b'\r' => Some(Self::Rebuild),
            b'd' | b'D' => Some(Self::Difference),
            b'q' | b'Q' => Some(Self::Quit),
            _ => None,
        }
    }
}

/// Keys are reported until this is dropped, which restores the terminal's mode.
pub(super) struct Keys {
    _mode: Option<terminal::KeyMode>,
}

impl Keys {
    /// Starts to report keys; none without a terminal, or if another program has it.
    pub(super) fn listen(on_key: impl Fn(Key) + Send + 'static) -> Option<Self> {
        if !std::io::stdin().is_terminal() || !terminal::is_ours() {
            return None;
        }
        let keys = Self { _mode: terminal::KeyMode::enter() };
        let read = move || std::io::stdin().lock().bytes().map_while(Result::ok).filter_map(Key::of).for_each(on_key);
        threads::spawn("keys", read).ok().map(|()| keys)
    }
}

#[cfg(unix)]
mod terminal {
    //! Keys arrive one by one and are not echoed. Ctrl-C and line ends stay as they are.

    use std::io::stdin;

    use rustix::process::getpgrp;
    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};

    pub(super) struct KeyMode(Termios);

    impl KeyMode {
        pub(super) fn enter() -> Option<Self> {
            let before = tcgetattr(stdin()).ok()?;
            let mut mode = before.clone();
            mode.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
            tcsetattr(stdin(), OptionalActions::Now, &mode).ok()?;
            Some(Self(before))
        }
    }

    impl Drop for KeyMode {
        fn drop(&mut self) {
            // An error says that the terminal is gone.
            let _ = tcsetattr(stdin(), OptionalActions::Now, &self.0);
        }
    }

    /// Whether this process is in the foreground; one in the background would be stopped for reading keys.
    pub(super) fn is_ours() -> bool {
        tcgetpgrp(stdin()).map_or(true, |foreground| foreground == getpgrp())
    }
}

#[cfg(not(unix))]
mod terminal {
    //! Keys come with the end of the line.

    pub(super) struct KeyMode;

    impl KeyMode {
        pub(super) fn enter() -> Option<Self> {
            None
        }
    }

    pub(super) fn is_ours() -> bool {
        true
    }
}
