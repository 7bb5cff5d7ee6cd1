//! What holds of all bytes: of a file that is not as it was written nothing is taken.

use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use proptest::sample::Index;

use crate::kept::form::{decode, encode};
use crate::kept::tests::{MARK, last_good};

#[test]
fn what_was_written_is_read_as_it_was() {
    let last = last_good(7);
    let read = decode(&encode(&last, MARK), MARK).expect("it was just written");
    assert_eq!(format!("{read:?}"), format!("{last:?}"));
}

proptest! {
    #[test]
    fn a_file_with_one_byte_changed_is_not_believed(at in any::<Index>(), by in 1_u8..) {
        let mut bytes = encode(&last_good(7), MARK);
        let at = at.index(bytes.len());
        bytes[at] ^= by;
        prop_assert!(decode(&bytes, MARK).is_err(), "byte {at} changed by {by}");
    }

    #[test]
    fn a_file_that_is_cut_off_or_longer_is_not_believed(at in any::<Index>(), more in any::<u8>()) {
        let whole = encode(&last_good(7), MARK);
        let cut = &whole[..at.index(whole.len())];
        prop_assert!(decode(cut, MARK).is_err(), "{} bytes", cut.len());
        prop_assert!(decode(&[&whole[..], &[more]].concat(), MARK).is_err());
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert_eq!(decode(&bytes, MARK).is_err(), true);
    }
}
