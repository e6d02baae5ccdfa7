"""Other packages' doors, with cblot behind them."""
