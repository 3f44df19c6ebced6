use super::*;

#[test]
fn packets_of_both_formats() {
    for length in [0, 1, 191, 192, 8383, 8384, 70_000] {
        let body = vec![1; length];
        assert_eq!(
            packets(&packet(2, &body)).expect("packets"),
            [(2, &body[..])]
        );
        assert_eq!(
            packets(&old_packet(6, &body)).expect("packets"),
            [(6, &body[..])]
        );
    }
    assert_eq!(packets(&[0xc2, 191 + 1, 0, 1]), None, "cut short");
    assert_eq!(packets(&[0xc2, 224]), None, "in parts");
    assert_eq!(packets(&[0x8b]), None, "without an end");
    assert_eq!(packets(b"hello"), None);
    let both = [subpacket(2, &[1, 2, 3, 4]), subpacket(27, &[2])].concat();
    assert_eq!(
        subpackets(&both).expect("subpackets"),
        [(2, &[1, 2, 3, 4][..]), (27, &[2][..])]
    );
    assert_eq!(subpackets(&[5, 2]), None);
}

#[test]
fn numbers_have_no_zeros_before_them() {
    assert_eq!(mpi(&[0, 0, 1, 255]), [0, 9, 1, 255]);
    assert_eq!(mpi(&[]), [0, 0]);
    assert_eq!(Bytes(&mpi(&[0, 7, 0])).mpi().expect("number"), [7, 0]);
    assert_eq!(Bytes(&[0, 9, 1]).mpi(), None);
}
