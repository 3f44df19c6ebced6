use super::*;

#[test]
fn a_name_is_read_as_it_was_written() {
    let name = BackupName::new(Timestamp(1_895_824_800_999_999), 0xa7);
    let text = "larder-20300128T120000Z-00000000000000a7.tar";
    let name_text = name.to_string();
    assert_eq!(name_text.len(), text.len());
    assert_eq!(name_text.parse(), Ok(name));
    assert_eq!(name.created_at(), Timestamp(1_895_824_800_000_000));
}

#[test]
fn later_backups_have_later_names() {
    let name = |second: i64, id| BackupName::new(Timestamp(second * 1_000_000), id);
    for (earlier, later) in [
        (name(1, 9), name(2, 1)),
        (name(1, 1), name(1, 2)),
        (name(1_799_999_999, 1), name(1_800_000_000, 1)),
    ] {
        assert!(earlier < later);
        assert!(earlier.to_string() < later.to_string());
    }
}

#[test]
fn anything_else_names_no_backup() {
    for text in [
        "",
        "larder-.tar",
        "larder-20300128T120000Z-a7.tar",
        "larder-20300128T120000Z-00000000000000A7.tar",
        "larder-20301328T120000Z-00000000000000a7.tar",
        "larder-20300128X120000Z-00000000000000a7.tar",
        "larder-20300128T120000Z-00000000000000a7.tar.part",
        "../larder-20300128T120000Z-00000000000000a7.tar",
        "larder-ü0300128T120000Z-00000000000000a7.tar",
    ] {
        assert_eq!(text.parse::<BackupName>(), Err(NoBackupName), "{text}");
    }
}
