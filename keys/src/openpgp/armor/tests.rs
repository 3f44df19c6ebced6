use super::*;

#[test]
fn blocks_are_read_back() {
    assert_eq!(
        crc24(b"123456789"),
        0x0021_cf02,
        "the check value of the polynomial"
    );
    for length in [0, 1, 47, 48, 49, 200] {
        let bytes = vec![7; length];
        let text = write(&bytes, "PGP SIGNATURE");
        assert!(text.lines().all(|line| line.len() <= LINE), "{text}");
        assert_eq!(read(&text, "PGP SIGNATURE").expect("block"), bytes);
        assert_eq!(read(&text, "PGP MESSAGE"), None);
    }
    let told = "hello\r\n-----BEGIN X-----\r\nVersion: 1\r\nComment: a\r\n\r\nAAAA\r\nAAAA\r\n-----END X-----\r\nbye";
    assert_eq!(read(told, "X").expect("block"), [0; 6]);
}
