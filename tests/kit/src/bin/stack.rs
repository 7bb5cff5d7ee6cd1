//! The supervisor of a real stack: `stack [OPTIONS]`, where OPTIONS is the JSON form of
//! [`Options`]. By hand, it runs until Ctrl-C or Ctrl-D.

use std::process::ExitCode;
use tagalong_testkit::stack::protocol::Options;
use tagalong_testkit::stack::supervisor::supervise;

fn main() -> ExitCode {
    let options = match std::env::args().nth(1).map(|text| serde_json::from_str(&text)) {
        None => Options::default(),
        Some(Ok(options)) => options,
        Some(Err(error)) => {
            #[expect(clippy::print_stderr, reason = "the only thing it says to a person")]
            {
                eprintln!("stack: the options are not understood: {error}");
            }
            return ExitCode::from(64);
        }
    };
    supervise(options)
}
