use super::*;

fn block(at: usize, line: &str) -> Block {
    Block {
        at,
        lines: vec![line.to_owned()],
    }
}

#[test]
fn what_is_put_is_taken_byte_for_byte() {
    let marks = Marks::of("npm npm/main");
    for text in ["", "a", "a\n", "a\nb", "a\r\nb\r\n", "a\r\nb", "\n\na\n\n"] {
        let lines = text.split_inclusive('\n').count();
        for at in 0..=lines {
            for out in [vec![], (0..lines).collect()] {
                let new = marks.put(text, &[block(at, "ours"), block(lines, "more")], &out);
                assert!(new.contains("ours") && new.contains("more"), "{new:?}");
                assert_eq!(marks.take(&new).as_deref(), Ok(text), "{new:?}");
                assert_eq!(owners(&new)[0], "npm npm/main");
            }
        }
    }
}

#[test]
fn others_edits_stay() {
    let marks = Marks::of("npm npm/main");
    let new = marks.put("a\nb\n", &[block(0, "ours")], &[1]);
    assert_eq!(
        new,
        "# >>> larder connect npm npm/main >>>\nours\n# <<< larder connect npm npm/main <<<\na\n\
         # larder connect npm npm/main replaces: b\n"
    );
    let edited = format!("{}c\n", new.replace("a\n", "A\n"));
    assert_eq!(marks.take(&edited).as_deref(), Ok("A\nb\nc\n"));
    let other = Marks::of("pip pypi/main");
    assert_eq!(other.take(&new).as_deref(), Ok(&*new));
    let broken = new.replace("# <<<", "#");
    assert!(
        marks
            .take(&broken)
            .is_err_and(|why| why.contains("# <<< larder connect npm"))
    );
}
