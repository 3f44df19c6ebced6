use super::*;

fn name(text: &str) -> &OsStr {
    OsStr::new(text)
}

fn file(disk: &mut Disk, text: &str) -> Inode {
    let made = disk.make(ROOT, name(text), Kind::File(Content::default()), 0o600);
    made.expect("a file")
}

/// A thousand disks of which each is cut; what became of them.
fn cuts<T>(mut act: impl FnMut(&mut Disk), look: impl Fn(&Disk) -> T) -> Vec<T> {
    let mut random = Random::new(1);
    let disks = (0..1000).map(|_| {
        let mut disk = Disk::default();
        act(&mut disk);
        disk.cut(&mut random);
        look(&disk)
    });
    disks.collect()
}

fn content(disk: &Disk, text: &str) -> Option<Vec<u8>> {
    let inode = disk.look_up(ROOT, name(text)).ok()?;
    Some(disk.read(inode, 0, usize::MAX).expect("a file").to_vec())
}

#[test]
fn what_is_synced_with_its_folder_stays() {
    let act = |disk: &mut Disk| {
        let inode = file(disk, "a");
        disk.write(inode, 0, b"bytes").expect("write");
        disk.sync(inode).expect("sync");
        disk.sync(ROOT).expect("sync");
    };
    let kept = cuts(act, |disk| content(disk, "a"));
    assert!(kept.iter().all(|it| it.as_deref() == Some(b"bytes")));
}

#[test]
fn a_name_that_was_not_synced_may_be_lost_and_bytes_too() {
    let act = |disk: &mut Disk| {
        let inode = file(disk, "a");
        disk.write(inode, 0, b"bytes").expect("write");
    };
    let kept = cuts(act, |disk| content(disk, "a"));
    for possible in [None, Some(&b""[..]), Some(&b"bytes"[..])] {
        assert!(kept.iter().any(|it| it.as_deref() == possible));
    }
    assert!(kept.iter().flatten().all(|it| [0, 5].contains(&it.len())));
}

#[test]
fn later_writes_may_be_there_without_earlier_ones() {
    let act = |disk: &mut Disk| {
        let inode = file(disk, "a");
        disk.sync(ROOT).expect("sync");
        disk.write(inode, 0, b"one").expect("write");
        disk.write(inode, 3, b"two").expect("write");
    };
    let kept = cuts(act, |disk| content(disk, "a").expect("its name"));
    for possible in [&b""[..], b"one", b"\0\0\0two", b"onetwo"] {
        assert!(kept.iter().any(|it| it == possible), "{possible:?}");
    }
}

#[test]
fn a_long_write_is_torn_at_sectors() {
    let act = |disk: &mut Disk| {
        let inode = file(disk, "a");
        disk.write(inode, 0, &[1; 2048]).expect("write");
        disk.sync(inode).expect("sync");
        disk.sync(ROOT).expect("sync");
        disk.write(inode, 256, &[2; 1024]).expect("write");
    };
    let kept = cuts(act, |disk| content(disk, "a").expect("its name"));
    let torn = |it: &&Vec<u8>| it[256] != it[512] || it[512] != it[1024];
    let torn: Vec<_> = kept.iter().filter(torn).collect();
    assert!(torn.len() > 50);
    for it in torn {
        for range in [256..512, 512..1024, 1024..1280] {
            assert!(
                it[range.clone()]
                    .iter()
                    .all(|byte| *byte == it[range.start])
            );
        }
        assert!(it[..256].iter().chain(&it[1280..]).all(|byte| *byte == 1));
    }
}

#[test]
fn a_name_that_was_taken_away_may_come_back() {
    let act = |disk: &mut Disk| {
        let inode = file(disk, "a");
        disk.link(inode, ROOT, name("b")).expect("link");
        disk.sync(ROOT).expect("sync");
        disk.remove(ROOT, name("a")).expect("remove");
        assert_eq!(disk.node(inode).expect("it").names, 1);
    };
    let names = |disk: &Disk| {
        let inode = disk.look_up(ROOT, name("b")).expect("its other name");
        let names = disk.node(inode).expect("it").names;
        assert_eq!(names == 2, disk.look_up(ROOT, name("a")).is_ok());
        names
    };
    let kept = cuts(act, names);
    assert!(kept.contains(&1) && kept.contains(&2));
}

#[test]
fn a_renamed_file_has_one_of_its_names() {
    let act = |disk: &mut Disk| {
        file(disk, "a");
        disk.sync(ROOT).expect("sync");
        disk.rename((ROOT, name("a")), (ROOT, name("b")))
            .expect("rename");
    };
    let has = |disk: &Disk| ["a", "b"].map(|it| disk.look_up(ROOT, name(it)).is_ok());
    let kept = cuts(act, has);
    assert!(kept.contains(&[true, false]) && kept.contains(&[false, true]));
    assert!(kept.iter().all(|[a, b]| a != b));
}
