use super::*;

#[test]
fn words_and_back() {
    for kind in FileKind::ALL {
        assert_eq!(kind.word().parse(), Ok(*kind));
    }
    assert_eq!("mirror".parse(), Ok(RepoKind::Mirror));
    assert_eq!("Mirror".parse::<RepoKind>(), Err(UnknownKind));
    assert_eq!(
        serde_json::to_string(&UserKind::Robot).expect("json"),
        "\"robot\""
    );
}
