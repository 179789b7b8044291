"""Long runs: the same rounds with one seed after another, as many as there is time for."""
