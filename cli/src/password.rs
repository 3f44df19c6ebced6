//! Passwords on their way in.

use crate::failure::Failure;
use crate::terminal;
use clap::Args;

/// Letters and digits that are not taken for one another, 32 of them.
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Characters of a generated password: 120 random bits.
const LENGTH: usize = 24;

/// Where a new password comes from; without a flag it is asked for.
#[derive(Args, Debug, Clone, Copy, Default)]
#[group(multiple = false)]
pub struct PasswordSource {
    /// Read the password from standard input, one line; for your own password first the present
    /// one, on a line before.
    #[arg(long)]
    pub password_stdin: bool,
    /// Make a random password and print it once.
    #[arg(long)]
    pub generate_password: bool,
}

/// A new password, and whether it was made here and must be shown.
pub(crate) struct NewPassword {
    pub(crate) password: String,
    pub(crate) generated: bool,
}

/// A new password for `whom`, from where the flags say.
pub(crate) fn new(source: PasswordSource, whom: &str) -> Result<NewPassword, Failure> {
    if source.generate_password {
        return Ok(NewPassword {
            password: generate()?,
            generated: true,
        });
    }
    if source.password_stdin {
        return Ok(NewPassword {
            password: terminal::line()?,
            generated: false,
        });
    }
    if !terminal::is_there() {
        let text =
            "nobody is there to type a password: give --password-stdin or --generate-password";
        return Err(Failure::Usage(text.to_owned()));
    }
    let password = terminal::ask_hidden(&format!("New password for {whom}: "))?;
    if password != terminal::ask_hidden("Once more: ")? {
        return Err(Failure::Local(
            "the two passwords differ; nothing was done".to_owned(),
        ));
    }
    Ok(NewPassword {
        password,
        generated: false,
    })
}

/// The present password of `whom`: a line of standard input, or asked for.
pub(crate) fn present(from_stdin: bool, whom: &str) -> Result<String, Failure> {
    if from_stdin {
        return terminal::line();
    }
    if !terminal::is_there() {
        return Err(Failure::Usage(
            "nobody is there to type a password: give --password-stdin".to_owned(),
        ));
    }
    terminal::ask_hidden(&format!("Password of {whom}: "))
}

fn generate() -> Result<String, Failure> {
    let mut random = [0; LENGTH];
    getrandom::fill(&mut random)
        .map_err(|error| Failure::Local(format!("no random bytes: {error}")))?;
    Ok(random
        .iter()
        .map(|byte| char::from(LETTERS[usize::from(byte & 31)]))
        .collect())
}

#[cfg(test)]
mod tests;
