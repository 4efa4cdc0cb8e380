//! Frames of the host link, as `templates/link/bridge.v` has them; described in docs/host.md.

use crc::{CRC_16_MCRF4XX, Crc};

/// First byte of every frame.
pub const START: u8 = 0xa5;
/// Most words of a request or a reply.
pub const MAX_WORDS: usize = 62;
/// Longest frame in bytes; as many zeros bring the machine to look for a start, whatever came before.
pub const MAX_FRAME: usize = 256;

const CRC: Crc<u16> = Crc::<u16>::new(&CRC_16_MCRF4XX);
/// Registers of ascending addresses in one request lie in a block of so many bytes.
pub const BLOCK: u32 = 64;

/// What the machine is asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Reads `words` registers from `address` on, or `words` times the one there.
    Read { address: u32, words: usize, fixed: bool },
    /// Writes registers, in the same ways.
    Write { address: u32, words: Vec<u32>, fixed: bool },
    /// Sends beats of samples, the last of every `packet` beats marked (0: none), then takes `take` beats of output.
    Stream { beats: Vec<u64>, packet: usize, take: usize },
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Done,
    /// A register answered with SLVERR.
    Refused,
    /// The machine made no progress.
    Timeout,
    /// The bridge knows no such request.
    Unknown,
}

/// A reply whose checksum was right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub status: Status,
    pub words: Vec<u32>,
}

impl Request {
    /// Words of the reply.
    pub fn reply_words(&self) -> usize {
        match self {
            Request::Read { words, .. } => *words,
            Request::Write { .. } => 0,
            Request::Stream { take, .. } => 2 * take,
        }
    }

    /// Bytes of the reply's frame.
    pub fn reply_len(&self) -> usize {
        6 + 4 * self.reply_words()
    }

    /// The frame with sequence number `seq`.
    ///
    /// # Panics
    /// More than [`MAX_WORDS`] words in either direction: callers cut what they send.
    pub fn frame(&self, seq: u8) -> Vec<u8> {
        let (op, low, high, words) = match self {
            Request::Read { address, fixed, .. } => (0, *address, *fixed, Vec::new()),
            Request::Write { address, words, fixed } => (1, *address, *fixed, words.clone()),
            Request::Stream { beats, packet, .. } => {
                let words = beats.iter().flat_map(|beat| [*beat as u32, (*beat >> 32) as u32]).collect();
                (2, *packet as u32, false, words)
            }
        };
        assert!(words.len() <= MAX_WORDS && self.reply_words() <= MAX_WORDS, "{self:?}");
        let len = 7 + 4 * words.len();
        let [low, middle, ..] = low.to_le_bytes();
        let mut frame = vec![START, len as u8, seq, op << 6 | self.reply_words() as u8];
        frame.extend([low, middle | u8::from(high) << 7]);
        frame.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        frame.extend(CRC.checksum(&frame[1..]).to_le_bytes());
        frame
    }

    /// The reply to `frame` in what has been received, whatever stands before it; `None` as long as there is none.
    pub fn find_reply(&self, frame: &[u8], received: &[u8]) -> Option<Reply> {
        received.windows(self.reply_len()).find_map(|bytes| self.reply(frame, bytes))
    }

    fn reply(&self, frame: &[u8], bytes: &[u8]) -> Option<Reply> {
        let (content, crc) = bytes.split_at(bytes.len() - 2);
        if content[..3] != frame[..3] || CRC.checksum(&content[1..]).to_le_bytes() != crc {
            return None;
        }
        let status = match content.last()? {
            0 => Status::Done,
            1 => Status::Refused,
            2 => Status::Timeout,
            _ => Status::Unknown,
        };
        let words = content[3..content.len() - 1].chunks(4);
        let words = words.map(|w| w.iter().rev().fold(0, |word, &byte| word << 8 | u32::from(byte))).collect();
        Some(Reply { status, words })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check value of the catalogue of parametrised CRC algorithms for CRC-16/MCRF4XX.
    #[test]
    fn the_checksum_is_mcrf4xx() {
        assert_eq!(CRC.checksum(b"123456789"), 0x6f91);
    }

    #[test]
    fn frames_are_laid_out_as_documented() {
        let read = Request::Read { address: 0x104, words: 3, fixed: false };
        assert_eq!(read.frame(5)[..6], [0xa5, 7, 5, 3, 0x04, 0x01]);
        let write = Request::Write { address: 0x04c, words: vec![0x0403_0201, 0x0807_0605], fixed: true };
        assert_eq!(write.frame(6)[..14], [0xa5, 15, 6, 0x40, 0x4c, 0x80, 1, 2, 3, 4, 5, 6, 7, 8]);
        let stream = Request::Stream { beats: vec![0x0807_0605_0403_0201], packet: 1, take: 2 };
        assert_eq!(stream.frame(7)[..14], [0xa5, 15, 7, 0x84, 1, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
        // The checksum of a frame with its checksum is 0: what the bridge looks for.
        assert_eq!(CRC.checksum(&stream.frame(7)[1..]), 0);
    }

    #[test]
    fn a_reply_is_found_behind_anything() {
        let request = Request::Read { address: 0, words: 1, fixed: false };
        let frame = request.frame(9);
        let mut reply = vec![START, 7, 9, 0x54, 0x52, 0x4d, 0x4c, 1];
        reply.extend(CRC.checksum(&reply[1..]).to_le_bytes());
        let found = Some(Reply { status: Status::Refused, words: vec![0x4c4d_5254] });
        let mut received = vec![START, 7, 9, 1, 2];
        received.extend(&reply);
        assert_eq!(request.find_reply(&frame, &received), found);
        for bit in 8 * 5..8 * received.len() {
            let mut broken = received.clone();
            broken[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(request.find_reply(&frame, &broken), None, "bit {bit}");
        }
        assert_eq!(request.find_reply(&frame, &received[..received.len() - 1]), None);
        assert_eq!(request.find_reply(&request.frame(10), &received), None, "of another request");
    }
}
