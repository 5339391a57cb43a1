"""RNN, LSTM and GRU side by side on data that every install has."""
