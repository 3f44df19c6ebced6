//! `larder connect --undo`: a client's files as they were.

use crate::client_file::{self, refused};
use crate::connect_write::{FILES, end_token};
use crate::connected::{Connected, Written};
use crate::context::Context;
use crate::edit::Kind;
use crate::failure::Failure;
use crate::outcome::Outcome;
use serde_json::{Value, json};

/// What is to become of a file.
enum Undo {
    /// It is gone already.
    Nothing,
    /// It has this text again, and this mode.
    Restore(String, u32),
    /// It was not there before.
    Remove,
}

/// Takes out all that was written for an owner: `npm npm/main`. Needs no server, but to end a token
/// that was made for it.
pub(crate) async fn undo(owner: &str, cx: &Context<'_>) -> Result<Outcome, Failure> {
    let config = &*cx.env.config_dir;
    let mut connected = Connected::load(config)?;
    let mine = connected.files.iter().filter(|file| file.owner == owner);
    let mine: Vec<Written> = mine.cloned().collect();
    if mine.is_empty() {
        let text = format!("nothing was written here by larder connect {owner} --write");
        return Err(Failure::Missing(text));
    }
    // All is planned before anything is written.
    let plans: Vec<Undo> = mine.iter().map(plan).collect::<Result<_, _>>()?;
    let mut items: Vec<Value> = Vec::new();
    for (file, undo) in mine.iter().zip(plans) {
        let done = match undo {
            Undo::Nothing => "gone",
            Undo::Restore(text, mode) => {
                client_file::write(&file.path, &text, mode)?;
                "restored"
            }
            Undo::Remove => {
                client_file::remove(&file.path, &file.folders)?;
                "removed"
            }
        };
        connected.forget(owner, &file.path);
        for other in connected
            .files
            .iter_mut()
            .filter(|other| other.path == file.path)
        {
            forget_within(other, file)?;
        }
        connected.save(config)?;
        items.push(json!({"file": file.path, "done": done}));
    }
    let mut notes = Vec::new();
    let mut ids: Vec<&String> = mine
        .iter()
        .filter_map(|file| file.token_id.as_ref())
        .collect();
    ids.dedup();
    for id in ids {
        match cx.client() {
            Ok(client) => notes.extend(end_token(&client, id).await),
            Err(failure) => notes.push(format!(
                "the token that stood there could not be ended: {failure}; larder token delete {id}"
            )),
        }
    }
    let outcome = Outcome::list(json!({"items": items, "next": null}), &FILES);
    Ok(notes.into_iter().fold(outcome, Outcome::noting))
}

/// How a file was before another owner's lines came into it, without those of `gone`.
fn forget_within(other: &mut Written, gone: &Written) -> Result<(), Failure> {
    let no = |why: String| refused(&gone.path, &why);
    let kind = kind_of(gone)?;
    let both = (gone.before.as_deref().unwrap_or_default(), &*gone.after);
    let without = |text: &str| kind.take(text, &gone.owner, both).map_err(no);
    let before = other.before.as_deref().map(without).transpose()?;
    let was_there = gone.before.is_some();
    other.before = before.filter(|text| was_there || !text.is_empty());
    other.after = without(&other.after)?;
    if other.folders.is_empty() {
        other.folders.clone_from(&gone.folders);
    }
    Ok(())
}

fn kind_of(file: &Written) -> Result<Kind, Failure> {
    let unknown = || refused(&file.path, "larder does not know how it is written");
    Kind::of(&file.path).ok_or_else(unknown)
}

fn plan(file: &Written) -> Result<Undo, Failure> {
    let found = client_file::find(&file.path)?;
    let Some(text) = found.text else {
        return Ok(Undo::Nothing);
    };
    let usual = client_file::mode(None, false);
    let before = file.before.as_deref();
    if text == file.after {
        let mode = file.mode.unwrap_or(usual);
        let restore = |before: &str| Undo::Restore(before.to_owned(), mode);
        return Ok(before.map_or(Undo::Remove, restore));
    }
    // Someone edited it since: only what is ours goes, and nobody else may read it than now.
    let kind = kind_of(file)?;
    let both = (before.unwrap_or_default(), &*file.after);
    let rest = kind.take(&text, &file.owner, both);
    let rest = rest.map_err(|why| refused(&file.path, &why))?;
    let nothing = rest.is_empty() || kind == Kind::Json && rest.trim() == "{}";
    Ok(if before.is_none() && nothing {
        Undo::Remove
    } else {
        Undo::Restore(rest, found.mode.unwrap_or(usual))
    })
}
