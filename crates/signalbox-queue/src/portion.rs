//! Portions for scripts: what belongs together is never parted, and Redis is not kept from others for too long.

/// Cuts `items` into runs of which none weighs more than `most`, unless a single item does.
pub(crate) fn by_weight<T>(items: &[T], most: usize, weight: impl Fn(&T) -> usize) -> Vec<&[T]> {
    let (mut portions, mut begin, mut sum) = (Vec::new(), 0, 0);
    for (index, item) in items.iter().enumerate() {
        let more = weight(item);
        if index > begin && sum + more > most {
            portions.push(&items[begin..index]);
            (begin, sum) = (index, 0);
        }
        sum += more;
    }
    if begin < items.len() {
        portions.push(&items[begin..]);
    }
    portions
}

#[cfg(test)]
mod tests {
    use super::by_weight;

    fn check(weights: &[usize], expected: &[&[usize]]) {
        assert_eq!(by_weight(weights, 10, |weight| *weight), expected);
    }

    #[test]
    fn nothing_is_left_out_and_only_what_is_too_heavy_alone_is_over_the_limit() {
        check(&[], &[]);
        check(&[4, 6, 1], &[&[4, 6], &[1]]);
        check(&[4, 30, 4, 5], &[&[4], &[30], &[4, 5]]);
        check(&[10, 10], &[&[10], &[10]]);
    }
}
