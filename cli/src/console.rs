//! What the commands say that work on the server's own machine, without its API.

use crate::context::voice;
use crate::escape::json_line;
use crate::exit::Exit;
use crate::failure::Report;
use crate::global::Global;
use crate::outcome::Outcome;
use crate::run::show;
use crate::terminal::say;
use serde_json::Value;
use std::error::Error;
use std::fmt::Write as _;

/// What such a command did.
#[derive(Debug)]
pub struct Told(Outcome);

impl Told {
    /// The answer as text (empty: people are told nothing), and the same for programs.
    pub fn text(json: Value, text: impl Into<String>) -> Self {
        Self(Outcome::text(Some(json), text))
    }

    /// A sentence about what was done, and the same for programs.
    pub fn done(json: Value, sentence: impl Into<String>) -> Self {
        let json = Some(json);
        Self(Outcome {
            json,
            ..Outcome::done(sentence)
        })
    }
}

/// Shows what a command did, or why it ended otherwise, in the form that was asked for; how it ended.
pub fn tell(outcome: Result<Told, (Exit, Box<dyn Error>)>, global: &Global) -> Exit {
    match outcome {
        Ok(Told(outcome)) => {
            let voice = voice(global.format(), global.quiet, true);
            match show(&outcome, global.format(), voice) {
                Ok(()) => outcome.exit,
                Err(failure) => {
                    voice.fail(&failure);
                    failure.exit()
                }
            }
        }
        Err((exit, error)) => {
            let as_json = global.format().is_json();
            say(&if as_json {
                json_line(&report(exit, error.as_ref()).json(exit)) + "\n"
            } else {
                lines(exit, error.as_ref())
            });
            exit
        }
    }
}

/// The word by which a program knows how a command ended.
const fn word(exit: Exit) -> &'static str {
    match exit {
        Exit::Usage => "usage",
        Exit::NotFound => "not_found",
        Exit::Conflict => "conflict",
        Exit::Integrity => "damaged",
        _ => "failed",
    }
}

fn causes(error: &dyn Error) -> Vec<String> {
    let (mut causes, mut next) = (Vec::new(), error.source());
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    causes
}

fn report(exit: Exit, error: &dyn Error) -> Report {
    let causes = causes(error);
    Report {
        code: word(exit).to_owned(),
        message: error.to_string(),
        cause: (!causes.is_empty()).then(|| causes.join(": ")),
        advice: None,
    }
}

/// For people: what is wrong with a configuration has many lines.
fn lines(exit: Exit, error: &dyn Error) -> String {
    let mut text = format!("error[{}]: {error}\n", word(exit));
    for cause in causes(error) {
        let _ = writeln!(text, "  cause: {cause}"); // a String takes everything
    }
    text
}
