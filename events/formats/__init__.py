"""Other programs' lines turned into outcomes; knows neither files nor stats."""
