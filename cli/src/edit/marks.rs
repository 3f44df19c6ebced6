//! The marks around what is ours in a file, and in front of what it took the place of. With them
//! a file is as it was again, whatever else was changed in it since.

/// What a block of ours begins with, before the name of whose it is.
const BEGIN: &str = "# >>> larder connect ";
const BEGIN_END: &str = " >>>";
/// Said by a first mark before which a line feed had to be put.
const JOINED: &str = " (no line feed stood here)";

/// The marks of one client and repository.
#[derive(Debug)]
pub(crate) struct Marks {
    begin: String,
    end: String,
    out: String,
}

/// Lines of ours, before the line of that number.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) at: usize,
    pub(crate) lines: Vec<String>,
}

impl Marks {
    /// Those of an owner: `npm npm/main`.
    pub(crate) fn of(owner: &str) -> Self {
        Self {
            begin: format!("{BEGIN}{owner}{BEGIN_END}"),
            end: format!("# <<< larder connect {owner} <<<"),
            out: format!("# larder connect {owner} replaces: "),
        }
    }

    /// The text with blocks of ours, and `out`, lines by number, made comments.
    pub(crate) fn put(&self, text: &str, blocks: &[Block], out: &[usize]) -> String {
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let feed = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let mut new = String::with_capacity(text.len() + 1024);
        for number in 0..=lines.len() {
            let ours = blocks.iter().filter(|block| block.at == number);
            let ours: Vec<&String> = ours.flat_map(|block| &block.lines).collect();
            if !ours.is_empty() {
                new += &self.block(&ours, feed, !new.is_empty() && !new.ends_with('\n'));
            }
            if let Some(line) = lines.get(number) {
                if out.contains(&number) {
                    new += &self.out;
                }
                new += line;
            }
        }
        new
    }

    fn block(&self, lines: &[&String], feed: &str, joined: bool) -> String {
        let (before, said) = if joined { (feed, JOINED) } else { ("", "") };
        let lines = lines.iter().flat_map(|line| [line.as_str(), feed]);
        let lines: String = lines.collect();
        let Self { begin, end, .. } = self;
        format!("{before}{begin}{said}{feed}{lines}{end}{feed}")
    }

    /// The text without what is ours, as it was. Fails if a last mark is missing.
    pub(crate) fn take(&self, text: &str) -> Result<String, String> {
        let mut old = String::with_capacity(text.len());
        let mut inside = false;
        for line in text.split_inclusive('\n') {
            let bare = line.trim_end_matches(['\n', '\r']);
            if inside {
                inside = bare != self.end;
            } else if let Some(said) = bare.strip_prefix(&self.begin) {
                inside = true;
                if said == JOINED {
                    let kept = old.trim_end_matches('\n').len();
                    old.truncate(kept);
                    let kept = old.trim_end_matches('\r').len();
                    old.truncate(kept);
                }
            } else {
                old += line.strip_prefix(&self.out).unwrap_or(line);
            }
        }
        if inside {
            return Err(format!("the line \"{}\" is missing", self.end));
        }
        Ok(old)
    }
}

/// Whose blocks are in a text.
pub(crate) fn owners(text: &str) -> Vec<&str> {
    let owner = |line: &'_ str| -> Option<(usize, usize)> {
        let rest = line.strip_prefix(BEGIN)?;
        Some((BEGIN.len(), BEGIN.len() + rest.find(BEGIN_END)?))
    };
    let mut all: Vec<&str> = text
        .lines()
        .filter_map(|line| owner(line).map(|(from, to)| &line[from..to]))
        .collect();
    all.dedup();
    all
}

#[cfg(test)]
mod tests;
