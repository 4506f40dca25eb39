"""What several pages share: how a page begins, native pieces, notes of progress, colour bars, file names."""
