use super::*;

const ZERO: &str = "0000000000000000000000000000000000000000";
const ONE: &str = "1111111111111111111111111111111111111111";
const TWO: &str = "2222222222222222222222222222222222222222";

fn body(lines: &[String]) -> Vec<u8> {
    let mut writer = Writer::default();
    for line in lines {
        writer.line(line);
    }
    writer.flush();
    writer.into_bytes()
}

fn read(body: &[u8], piece: usize) -> Result<Option<(Push, Vec<u8>)>, Problem> {
    let mut reader = PushReader::default();
    let mut pieces = body.chunks(piece);
    while let Some(piece) = pieces.next() {
        if let Some((push, rest)) = reader.push(piece)? {
            let rest = [&rest[..], &pieces.flatten().copied().collect::<Vec<u8>>()].concat();
            return Ok(Some((push, rest)));
        }
    }
    Ok(None)
}

#[test]
fn commands_come_before_the_pack() {
    let words = "report-status-v2 side-band-64k atomic object-format=sha1 agent=git/2.39.5";
    let lines = [
        format!("{ZERO} {ONE} refs/heads/main\0 {words}"),
        format!("{ONE} {ZERO} refs/heads/old"),
        format!("{ONE} {TWO} refs/tags/v1"),
    ];
    let body = [&body(&lines)[..], b"PACK..."].concat();
    for piece in [1, 5, 1000] {
        let (push, rest) = read(&body, piece).expect("a push").expect("all of it");
        assert!(push.atomic && push.report && push.bands && push.has_pack());
        assert_eq!(rest, b"PACK...");
        let names: Vec<&str> = push.commands.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["refs/heads/main", "refs/heads/old", "refs/tags/v1"]);
        assert!(push.commands[0].old.is_zero() && push.commands[1].new.is_zero());
    }
    assert_eq!(read(&body[..20], 1).expect("more to come"), None);
}

#[test]
fn a_shallow_clone_says_where_its_history_ends() {
    let lines = [
        format!("shallow {ONE}"),
        format!("shallow {TWO}"),
        format!("{ONE} {TWO} refs/heads/main\0report-status"),
    ];
    let (push, _) = read(&body(&lines), 7).expect("a push").expect("all of it");
    assert!(push.shallow && push.report);
    assert_eq!(push.commands.len(), 1);
    let (push, _) = read(&body(&lines[2..]), 7).expect("a push").expect("all");
    assert!(!push.shallow);
}

#[test]
fn what_is_no_push_is_refused() {
    let good = format!("{ZERO} {ONE} refs/heads/main");
    for bad in [
        vec![format!("{ZERO} {ONE} refs/heads/../x")],
        vec![format!("{ZERO} {ONE} HEAD")],
        vec![format!("{ZERO} nothing refs/heads/main")],
        vec![format!("{ZERO} {ZERO} refs/heads/main")],
        vec![good.clone(), good.clone()],
        vec![
            format!("{good}\0a"),
            format!("{ZERO} {ONE} refs/heads/x\0b"),
        ],
        vec![format!("shallow {ONE}0"), good.clone()],
        vec!["push-cert\0x".to_owned()],
    ] {
        assert!(read(&body(&bad), 1000).is_err(), "{bad:?}");
    }
}

#[test]
fn a_client_is_told_of_each_ref() {
    let (main, old) = ("refs/heads/main", "refs/heads/old");
    let name = |text: &str| text.parse::<RefName>().expect("a name");
    let mut report = Report {
        unpack: None,
        refs: vec![(name(main), None), (name(old), Some("denied".to_owned()))],
    };
    let mut push = Push {
        commands: Vec::new(),
        atomic: false,
        report: true,
        bands: false,
        shallow: false,
    };
    let told = format!("000eunpack ok\n0017ok {main}\n001dng {old} denied\n0000");
    assert_eq!(report.answer(&push), told.as_bytes());
    push.bands = true;
    let banded = report.answer(&push);
    let expected = format!("{:04x}\x01{told}0000", told.len() + 5);
    assert_eq!(String::from_utf8_lossy(&banded), expected);
    // Why nothing is taken is said where the person sees it, once.
    report.unpack = Some("too much".to_owned());
    let told = told.replace(
        "000eunpack ok",
        &format!("{:04x}unpack {NOT_TAKEN}", 12 + NOT_TAKEN.len()),
    );
    let banded = report.answer(&push);
    let expected = format!("000e\x02too much\n{:04x}\x01{told}0000", told.len() + 5);
    assert_eq!(String::from_utf8_lossy(&banded), expected);
    push.report = false;
    assert_eq!(report.answer(&push), b"000e\x02too much\n0000");
    (push.report, push.bands) = (true, false);
    let plain = report.answer(&push);
    assert!(plain.starts_with(b"0014unpack too much\n"), "{plain:?}");
}
